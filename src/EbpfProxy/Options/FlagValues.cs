namespace EbpfProxy.Options;

/// <summary>The flags of `run` with their values, for who asks the running process for them.</summary>
internal static class FlagValues
{
    /// <summary>
    /// All flags by name, in order: as the command line has them, else as they are without a word. What a configuration
    /// file says is no flag. A flag that came again has all its values; one without a value is true.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Of(IReadOnlyList<string> args)
    {
        var defaults = new ProxyOptions();
        var flags = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["config"] = "" };
        foreach (var setting in Settings.All.Where(setting => setting.Flag is not null))
        {
            flags[setting.Flag!] = setting is { IsOurs: false, Show: { } show } ? EffectiveConfiguration.TextOf(show(defaults)) : setting.Default ?? "";
        }

        foreach (var given in Given(Arguments.Normalize(args)).GroupBy(flag => flag.Name))
        {
            flags[given.Key] = string.Join(',', given.Select(flag => flag.Value));
        }

        return flags;
    }

    private static IEnumerable<(string Name, string Value)> Given(string[] args)
    {
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i].StartsWith('-'))
            {
                string[] parts = args[i].TrimStart('-').Split('=', 2);
                bool isNextValue = parts.Length == 1 && i + 1 < args.Length && !args[i + 1].StartsWith('-');
                yield return (parts[0], parts.Length > 1 ? parts[1] : isNextValue ? args[++i] : "true");
            }
        }
    }
}
