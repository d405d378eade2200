using System.Text.Json;
using EbpfProxy.Controller.Manifests;

namespace EbpfProxy.Options;

/// <summary>The fields of a document of the configuration file, each in the form that its setting has. Null counts as not there.</summary>
internal sealed class ConfigurationFields(IReadOnlyDictionary<string, Setting> settings, Problems problems)
{
    /// <summary>The paths of fields that no setting has.</summary>
    public List<string> Unknown { get; } = [];

    public IEnumerable<(Setting Setting, SettingValue Value)> In(JsonElement root) =>
        root.EnumerateObject().Where(field => field.Name is not ("kind" or "apiVersion")).SelectMany(field => At(field.Name, field.Value));

    private IEnumerable<(Setting Setting, SettingValue Value)> At(string path, JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        if (settings.TryGetValue(path, out var setting))
        {
            return TextsOf(setting, element) is { } texts ? [(setting, new SettingValue(path, texts, problems))] : [];
        }

        if (!settings.Keys.Any(key => key.StartsWith(path + ".", StringComparison.Ordinal)))
        {
            Unknown.Add(path);
            return [];
        }

        if (element.ValueKind == JsonValueKind.Object)
        {
            return element.EnumerateObject().SelectMany(field => At($"{path}.{field.Name}", field.Value));
        }

        problems.Error(path, $"Invalid value: {Text(element)}: must be a mapping of fields");
        return [];
    }

    private IReadOnlyList<string>? TextsOf(Setting setting, JsonElement element)
    {
        var kind = element.ValueKind;
        IReadOnlyList<string>? texts = setting.Shape switch
        {
            SettingShape.Text or SettingShape.Duration => kind == JsonValueKind.String ? [Text(element)] : null,
            SettingShape.Switch => SwitchOf(element) is { } isOn ? [isOn] : null,
            SettingShape.Integer or SettingShape.Number => kind == JsonValueKind.Number ? [Text(element)] : null,
            SettingShape.Quantity => kind is JsonValueKind.String or JsonValueKind.Number ? [Text(element)] : null,
            SettingShape.LooseDuration when kind == JsonValueKind.Number => [$"{Text(element)}ns"],
            SettingShape.LooseDuration => kind == JsonValueKind.String ? [Text(element)] : null,
            SettingShape.List => kind == JsonValueKind.Array && element.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
                ? [.. element.EnumerateArray().Select(Text)]
                : null,
            SettingShape.Gates => kind == JsonValueKind.Object && element.EnumerateObject().All(gate => SwitchOf(gate.Value) is not null)
                ? [.. element.EnumerateObject().Select(gate => $"{gate.Name}={SwitchOf(gate.Value)}")]
                : null,
            SettingShape.FileLevels => kind == JsonValueKind.Array && element.EnumerateArray().All(IsLevel)
                ? [.. element.EnumerateArray().Select(item => $"{Text(item.GetProperty("filePattern"))}={Text(item.GetProperty("verbosity"))}")]
                : null,
        };
        if (texts is null)
        {
            problems.Error(setting.Path!, $"Invalid value: {Text(element)}: must be {FormOf(setting.Shape)}");
        }

        return texts;
    }

    /// <summary>"true" or "false"; null for what is neither.</summary>
    private static string? SwitchOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.String => YamlSwitch.Read(element.GetString()!) switch { true => "true", false => "false", null => null },
        _ => null,
    };

    private static bool IsLevel(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty("filePattern", out _) && item.TryGetProperty("verbosity", out _);

    private static string FormOf(SettingShape shape) => shape switch
    {
        SettingShape.Text => "a string",
        SettingShape.Switch => "true or false",
        SettingShape.Integer or SettingShape.Number => "a number",
        SettingShape.Duration or SettingShape.LooseDuration => "a duration, as in \"1m30s\"",
        SettingShape.Quantity => "an amount, as in \"64Ki\"",
        SettingShape.List => "a list of strings",
        SettingShape.Gates => "a mapping of names to true or false",
        SettingShape.FileLevels => "a list of filePattern and verbosity",
    };

    private static string Text(JsonElement element) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : element.GetRawText();
}
