namespace EbpfProxy.Options;

/// <summary>One thing that the proxy can be told: by a flag, by a field of a configuration file, or by both.</summary>
/// <param name="Flag">The flag without its dashes; null where there is none.</param>
/// <param name="Path">The path of the field; null where there is none.</param>
/// <param name="Shape">The form of the field.</param>
/// <param name="Help">What it does, for `--help` and docs/configure.md; why it does nothing, where <see cref="HasNoEffect"/>.</param>
/// <param name="Apply">Puts the value into the options.</param>
internal sealed record Setting(
    string? Flag, string? Path, SettingShape Shape, string Help, Func<ProxyOptions, SettingValue, ProxyOptions> Apply)
{
    /// <summary>What <see cref="Show"/> says where the field is left out.</summary>
    public static object Omitted { get; } = new();

    /// <summary>What the options have, as the field would; null for what is no field.</summary>
    public Func<ProxyOptions, object?>? Show { get; init; }

    /// <summary>The default in words, where it is not what <see cref="Show"/> says of the defaults.</summary>
    public string? Default { get; init; }

    /// <summary>Whether the flag counts beside a configuration file; kube-proxy ignores the others then.</summary>
    public bool CountsBesideFile { get; init; }

    /// <summary>Whether the field stands in our own document of the configuration file, not in kube-proxy's.</summary>
    public bool IsOurs { get; init; }

    /// <summary>Whether it is read and shown, and means nothing here.</summary>
    public bool HasNoEffect { get; init; }

    /// <summary>The words of which it takes one; none where it takes what fits its shape.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>What help calls its value: <see cref="ValueNames"/>.</summary>
    public string ValueName { get; init; } = ValueNames.Any;

    /// <summary>Whether the flag may stand without a value.</summary>
    public bool IsSwitch => Shape == SettingShape.Switch;

    /// <summary>The default as it is told to people.</summary>
    public string DefaultText => Default ?? EffectiveConfiguration.TextOf(Show!(new ProxyOptions())) switch
    {
        "" => "none",
        var text => text,
    };

    /// <summary>The flag with its dashes: one before a letter, as people write it.</summary>
    public string FlagName => Flag is { Length: 1 } ? $"-{Flag}" : $"--{Flag}";

    /// <summary>How it is called in messages.</summary>
    public string Name => Path ?? FlagName;
}
