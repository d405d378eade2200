namespace EbpfProxy.Options;

/// <summary>What is wrong with flags and files, each named by its flag or field. Any error keeps the proxy from starting.</summary>
internal sealed class Problems
{
    private readonly List<string> _errors = [];
    private readonly List<string> _warnings = [];
    private readonly List<Setting> _given = [];

    public IReadOnlyList<string> Errors => _errors;

    public IReadOnlyList<string> Warnings => _warnings;

    public void Error(string name, string message) => _errors.Add($"{name}: {message}");

    public void Warn(string message) => _warnings.Add(message);

    /// <summary>Hears that a setting was set.</summary>
    public void Given(Setting setting) => _given.Add(setting);

    /// <summary>Names each setting that was set to something of its own and has no effect.</summary>
    public void WarnOfNoEffect(ProxyOptions options)
    {
        var defaults = new ProxyOptions();
        foreach (var setting in _given.Distinct().Where(setting => setting.HasNoEffect))
        {
            string value = EffectiveConfiguration.TextOf(setting.Show!(options));
            if (value != EffectiveConfiguration.TextOf(setting.Show(defaults)))
            {
                Warn($"{setting.Name}={value} has no effect: {setting.Help}");
            }
        }
    }
}
