namespace EbpfProxy.Options;

/// <summary>One thing that the proxy can be told: by a flag, by a field of a configuration file, or by both.</summary>
/// <param name="Flag">The flag without its dashes; null where there is none.</param>
/// <param name="Path">The path of the field; null where there is none.</param>
/// <param name="Help">What it does, for `--help`; empty to leave it out.</param>
/// <param name="Apply">Puts the value into the options.</param>
internal sealed record Setting(string? Flag, string? Path, string Help, Func<ProxyOptions, SettingValue, ProxyOptions> Apply)
{
    /// <summary>Whether the flag counts beside a configuration file; kube-proxy ignores the others then.</summary>
    public bool CountsBesideFile { get; init; }

    /// <summary>Whether the flag may stand without a value.</summary>
    public bool IsSwitch { get; init; }

    /// <summary>Whether the field stands in our own document of the configuration file, not in kube-proxy's.</summary>
    public bool IsOurs { get; init; }
}
