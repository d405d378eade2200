using System.Text.Json.Nodes;

namespace EbpfProxy.Options;

/// <summary>
/// What file, flags and defaults come to: as kube-proxy's own object (KubeProxyConfiguration v1alpha1), which `/configz` tells, and
/// with the document of our settings beside it, as `--write-config-to` writes it.
/// </summary>
internal static class EffectiveConfiguration
{
    /// <summary>The object, with every field that kube-proxy writes, in kube-proxy's order.</summary>
    public static JsonObject Of(ProxyOptions options)
    {
        var root = new JsonObject { ["kind"] = ConfigurationFile.TheirKind, ["apiVersion"] = ConfigurationFile.TheirVersion };
        foreach (var setting in Settings.KubeProxy.Where(setting => setting.Path is not null))
        {
            object? value = setting.Show!(options);
            if (!ReferenceEquals(value, Setting.Omitted))
            {
                Put(root, setting.Path!.Split('.'), ToNode(value));
            }
        }

        return root;
    }

    /// <summary>A file that says the same: our document only where a setting of ours is not its default.</summary>
    public static string FileOf(ProxyOptions options)
    {
        var defaults = new ProxyOptions();
        var ours = new JsonObject();
        foreach (var setting in OwnSettings.All)
        {
            object? value = setting.Show!(options);
            if (TextOf(value) != TextOf(setting.Show(defaults)))
            {
                Put(ours, setting.Path!.Split('.'), ToNode(value));
            }
        }

        string theirs = YamlText.Of(Of(options));
        if (ours.Count == 0)
        {
            return theirs;
        }

        ours["kind"] = ConfigurationFile.OurKind;
        return $"{theirs}---\n{YamlText.Of(ours)}";
    }

    /// <summary>The value as `--help` and messages have it.</summary>
    public static string TextOf(object? value) => value switch
    {
        _ when ReferenceEquals(value, Setting.Omitted) => "",
        string text => text,
        _ => ToNode(value)?.ToJsonString().Trim('"') ?? "",
    };

    private static void Put(JsonObject root, string[] path, JsonNode? value)
    {
        var section = root;
        foreach (string name in path[..^1])
        {
            if (section[name] is not JsonObject inner)
            {
                inner = [];
                section[name] = inner;
            }

            section = inner;
        }

        section[path[^1]] = value;
    }

    private static JsonNode? ToNode(object? value) => value switch
    {
        null => null,
        string text => JsonValue.Create(text),
        bool isOn => JsonValue.Create(isOn),
        int number => JsonValue.Create(number),
        double number => JsonValue.Create(number),
        TimeSpan duration => JsonValue.Create(GoDuration.Format(duration)),
        IEnumerable<string> list => new JsonArray([.. list.Select(text => (JsonNode?)JsonValue.Create(text))]),
        IEnumerable<KeyValuePair<string, bool>> gates =>
            new JsonObject(gates.Select(gate => KeyValuePair.Create(gate.Key, (JsonNode?)JsonValue.Create(gate.Value)))),
        IEnumerable<KeyValuePair<string, int>> levels => new JsonArray([.. levels.Select(ToLevel)]),
        _ => throw new ArgumentException($"a field cannot be of type {value.GetType().Name}", nameof(value)),
    };

    private static JsonNode? ToLevel(KeyValuePair<string, int> level) =>
        new JsonObject { ["filePattern"] = level.Key, ["verbosity"] = level.Value };
}
