namespace EbpfProxy.Options;

/// <summary>Settings of kube-proxy's that mean nothing here: they are read and checked, shown as they were set, and named in a warning.</summary>
internal static class UnusedSetting
{
    /// <param name="flag">The flag; null where there is none.</param>
    /// <param name="path">The field; null where there is none.</param>
    /// <param name="shape">The form of the field.</param>
    /// <param name="otherwise">kube-proxy's default.</param>
    /// <param name="why">Why it means nothing, and what does.</param>
    /// <param name="read">Reads it, where it has rules of its own.</param>
    public static Setting Create(
        string? flag, string? path, SettingShape shape, object? otherwise, string why, Func<SettingValue, object?>? read = null)
    {
        string name = path ?? $"--{flag}";
        read ??= value => Read(value, shape, otherwise);
        return new(flag, path, shape, why, (o, v) => o with { Unused = o.Unused.SetItem(name, read(v)) })
        {
            HasNoEffect = true,
            Show = o => o.Unused.GetValueOrDefault(name, otherwise),
        };
    }

    private static object? Read(SettingValue value, SettingShape shape, object? otherwise) => shape switch
    {
        SettingShape.Text or SettingShape.Quantity => value.AsText() is { Length: > 0 } text ? text : otherwise,
        SettingShape.Switch => value.AsBool(otherwise is true),
        SettingShape.Integer => value.AsInt(int.MinValue, otherwise is int number ? number : 0),
        SettingShape.Number => value.AsDouble(otherwise is double number ? number : 0),
        SettingShape.Duration or SettingShape.LooseDuration => otherwise is TimeSpan { Ticks: > 0 } duration
            ? value.AsPositiveDuration(duration)
            : value.AsDuration(TimeSpan.Zero),
        SettingShape.List => value.AsList(),
        SettingShape.Gates => value.AsPairs().ToDictionary(pair => pair.Key, pair => pair.Value == "true"),
        SettingShape.FileLevels => Levels(value),
    };

    /// <summary>Left out where there are none, as kube-proxy leaves it out.</summary>
    private static object Levels(SettingValue value)
    {
        var levels = new List<KeyValuePair<string, int>>();
        foreach (var (pattern, text) in value.AsPairs())
        {
            levels.Add(KeyValuePair.Create(pattern, new SettingValue(value.Name, [text], value.Problems).AsInt(0, 0)));
        }

        return levels.Count == 0 ? Setting.Omitted : levels;
    }
}
