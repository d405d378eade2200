using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using EbpfProxy.Options;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`-o`: for scripts or with all columns; without it, columns for people.</summary>
internal static class OutputOption
{
    /// <summary>For what has columns.</summary>
    public static Option<string> CreateForList() => Create("text, wide (all columns), json or yaml", "text", "wide", "json", "yaml");

    /// <summary>For what has none.</summary>
    public static Option<string> Create() => Create("text, json or yaml", "text", "json", "yaml");

    /// <summary>For what is told a line at a time.</summary>
    public static Option<string> CreateForLines() => Create("text, or json: a line each", "text", "json");

    public static OutputForm FormOf(ParseResult result, Option<string> option) => result.GetValue(option) switch
    {
        "json" => OutputForm.Json,
        "yaml" => OutputForm.Yaml,
        "wide" => OutputForm.Wide,
        _ => OutputForm.Text,
    };

    /// <summary>Writes a value for scripts; false where people asked, and nothing was written.</summary>
    public static bool TryWrite<T>(TextWriter writer, OutputForm form, T value, JsonTypeInfo<T> type)
    {
        switch (form)
        {
            case OutputForm.Json:
                writer.WriteLine(JsonSerializer.Serialize(value, type));
                return true;
            case OutputForm.Yaml:
                writer.Write(YamlText.Of(JsonSerializer.SerializeToNode(value, type) ?? new JsonObject()));
                return true;
            case OutputForm.Text or OutputForm.Wide:
            default:
                return false;
        }
    }

    private static Option<string> Create(string description, params string[] forms)
    {
        var option = new Option<string>("--output", "-o") { Description = description, HelpName = "form" };
        option.AcceptOnlyFromAmong(forms);
        return option;
    }
}
