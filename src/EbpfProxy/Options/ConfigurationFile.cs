using System.Text.Json;
using EbpfProxy.Controller.Manifests;

namespace EbpfProxy.Options;

/// <summary>
/// kube-proxy's configuration file (KubeProxyConfiguration), and our own settings as a second document in it
/// (EbpfProxyConfiguration). In kube-proxy's document what is unknown, or there twice, is named and tolerated, as kube-proxy
/// does; in ours it is an error.
/// </summary>
internal static class ConfigurationFile
{
    public const string TheirKind = "KubeProxyConfiguration";
    public const string TheirVersion = "kubeproxy.config.k8s.io/v1alpha1";
    public const string OurKind = "EbpfProxyConfiguration";

    public static ProxyOptions Read(string path, ProxyOptions options, Problems problems)
    {
        try
        {
            string text = File.ReadAllText(path);
            return Parse(text, options, problems) with { File = ReadFile.Of(path, text) };
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
        var kinds = new HashSet<string>();
        foreach (var (json, duplicates) in YamlJson.ReadLenient(text))
        {
            using var document = JsonDocument.Parse(json);
            options = ReadDocument(document.RootElement, options, problems, duplicates, kinds);
        }

        if (kinds.Count == 0 && problems.Errors.Count == 0)
        {
            problems.Error("--config", $"no kind: the file has no document, expected {TheirKind} of {TheirVersion}");
        }

        return options;
    }

    private static ProxyOptions ReadDocument(
        JsonElement root, ProxyOptions options, Problems problems, IReadOnlyList<string> duplicates, HashSet<string> kinds)
    {
        string kind = TextOf(root, "kind");
        string version = TextOf(root, "apiVersion");
        bool isTheirs = kind == TheirKind && version == TheirVersion;
        if (!isTheirs && kind != OurKind)
        {
            problems.Error("--config", $"no kind \"{kind}\" is registered for version \"{version}\": expected {TheirKind} of " +
                $"{TheirVersion}, or {OurKind}");
            return options;
        }

        if (!kinds.Add(kind))
        {
            problems.Error("--config", $"there are two documents of kind {kind}");
        }

        var settings = Settings.All.Where(s => s.Path is not null && s.IsOurs == !isTheirs).ToDictionary(s => s.Path!);
        var fields = new ConfigurationFields(settings, problems);
        foreach (var (setting, value) in fields.In(root))
        {
            problems.Given(setting, setting.Path!);
            options = setting.Apply(options, value);
        }

        Tell(isTheirs, "unknown field", fields.Unknown, problems);
        Tell(isTheirs, "field is set more than once", duplicates, problems);
        return options;
    }

    private static void Tell(bool isTheirs, string what, IReadOnlyList<string> paths, Problems problems)
    {
        if (isTheirs && paths.Count > 0)
        {
            problems.Warn($"Using lenient decoding, as strict decoding failed: {what}: {string.Join(", ", paths)}");
            return;
        }

        foreach (string path in paths)
        {
            problems.Error(path, $"{what} of {OurKind}");
        }
    }

    private static string TextOf(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
