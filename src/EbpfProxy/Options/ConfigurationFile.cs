using System.Text.Json;
using EbpfProxy.Controller.Manifests;

namespace EbpfProxy.Options;

/// <summary>
/// kube-proxy's configuration file (KubeProxyConfiguration), and our own settings as a second document in it
/// (EbpfProxyConfiguration). Fields that mean nothing here are accepted, unknown ones are named.
/// </summary>
internal static class ConfigurationFile
{
    private const string _theirKind = "KubeProxyConfiguration";
    private const string _ourKind = "EbpfProxyConfiguration";

    public static ProxyOptions Read(string path, ProxyOptions options, Problems problems)
    {
        try
        {
            return Parse(File.ReadAllText(path), options, problems);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Error("--config", $"cannot read {path}: {e.Message}");
        }
        catch (YamlFormatException e)
        {
            problems.Error("--config", $"{path}: {e.Message}");
        }

        return options;
    }

    /// <exception cref="YamlFormatException">The text is not YAML.</exception>
    public static ProxyOptions Parse(string text, ProxyOptions options, Problems problems)
    {
        var unknown = new List<string>();
        foreach (byte[] json in YamlJson.ReadDocuments(text))
        {
            using var document = JsonDocument.Parse(json);
            options = ReadDocument(document.RootElement, options, problems, unknown);
        }

        if (unknown.Count > 0)
        {
            problems.Warn($"Unknown fields of the configuration file are ignored: {string.Join(", ", unknown)}");
        }

        return options;
    }

    private static ProxyOptions ReadDocument(JsonElement root, ProxyOptions options, Problems problems, List<string> unknown)
    {
        string kind = TextOf(root, "kind");
        string version = TextOf(root, "apiVersion");
        bool isTheirs = kind == _theirKind && version == "kubeproxy.config.k8s.io/v1alpha1";
        if (!isTheirs && kind != _ourKind)
        {
            problems.Error("--config", $"no kind \"{kind}\" is registered for version \"{version}\": expected {_theirKind} of " +
                $"kubeproxy.config.k8s.io/v1alpha1, or {_ourKind}");
            return options;
        }

        var settings = Settings.All.Where(s => s.Path is not null && s.IsOurs == !isTheirs).ToDictionary(s => s.Path!);
        string mode = TextOf(root, "mode");
        foreach (var (path, texts) in Leaves(root, ""))
        {
            if (settings.TryGetValue(path, out var setting))
            {
                // Of the periods of the modes the one of the mode counts that the file chooses.
                bool isOtherMode = path.EndsWith(".syncPeriod", StringComparison.Ordinal)
                    && !path.StartsWith(mode.Length == 0 ? "iptables" : mode, StringComparison.Ordinal);
                options = isOtherMode ? options : setting.Apply(options, new SettingValue(path, texts, problems));
            }
            else if (path is not ("kind" or "apiVersion" or "metadata") && !(isTheirs && IsIgnored(path)))
            {
                unknown.Add(path);
            }
        }

        return options;
    }

    private static bool IsIgnored(string path) => Settings.IgnoredPaths.Any(ignored =>
        path == ignored || path.StartsWith(ignored + ".", StringComparison.Ordinal));

    private static string TextOf(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";

    /// <summary>The fields that hold values, by path. Null counts as not there.</summary>
    private static IEnumerable<KeyValuePair<string, IReadOnlyList<string>>> Leaves(JsonElement element, string path)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return element.EnumerateObject()
                    .SelectMany(p => Leaves(p.Value, path.Length == 0 ? p.Name : $"{path}.{p.Name}"));
            case JsonValueKind.Array:
                return [KeyValuePair.Create(path, (IReadOnlyList<string>)[.. element.EnumerateArray().Select(Text)])];
            case JsonValueKind.Null:
                return [];
            default:
                return [KeyValuePair.Create(path, (IReadOnlyList<string>)[Text(element)])];
        }
    }

    private static string Text(JsonElement element) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : element.GetRawText();
}
