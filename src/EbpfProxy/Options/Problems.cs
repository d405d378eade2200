namespace EbpfProxy.Options;

/// <summary>What is wrong with flags and files, each named by its flag or field. Any error keeps the proxy from starting.</summary>
internal sealed class Problems
{
    private readonly List<string> _errors = [];
    private readonly List<string> _warnings = [];
    private readonly Dictionary<Setting, string> _given = [];

    public IReadOnlyList<string> Errors => _errors;

    public IReadOnlyList<string> Warnings => _warnings;

    public void Error(string name, string message) => _errors.Add($"{name}: {message}");

    public void Warn(string message) => _warnings.Add(message);

    /// <summary>Hears that a setting was set, and by which flag or field.</summary>
    public void Given(Setting setting, string name) => _given[setting] = name;

    /// <summary>
    /// What a field is called by who set it: the flag, or the field. One that nobody set is a field where others of the file were.
    /// </summary>
    public string NameOf(string path)
    {
        var setting = Settings.All.First(setting => setting.Path == path);
        return _given.TryGetValue(setting, out string? name) ? name
            : setting.Flag is null || _given.Any(given => given.Value == given.Key.Path) ? path
            : setting.FlagName;
    }

    /// <summary>Names each setting that was set to something of its own and has no effect.</summary>
    public void WarnOfNoEffect(ProxyOptions options)
    {
        var defaults = new ProxyOptions();
        foreach (var setting in _given.Keys.Where(setting => setting.HasNoEffect))
        {
            string value = EffectiveConfiguration.TextOf(setting.Show!(options));
            if (value != EffectiveConfiguration.TextOf(setting.Show(defaults)))
            {
                Warn($"{setting.Name}={value} has no effect: {setting.Help}");
            }
        }
    }
}
