using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EbpfProxy.Options;

/// <summary>Writes JSON as YAML, the fields in the order of their names, as Kubernetes' own tools write it.</summary>
internal static class YamlText
{
    public static string Of(JsonNode root)
    {
        var text = new StringBuilder();
        switch (root)
        {
            case JsonObject { Count: > 0 } fields:
                WriteFields(text, fields, "");
                break;
            case JsonArray { Count: > 0 } items:
                WriteItems(text, items, "");
                break;
            default:
                text.Append(root.ToJsonString()).Append('\n');
                break;
        }

        return text.ToString();
    }

    private static void WriteFields(StringBuilder text, JsonObject section, string indent)
    {
        foreach (var (name, value) in section.OrderBy(field => field.Key, StringComparer.Ordinal))
        {
            text.Append(indent).Append(Text(name)).Append(':');
            WriteValue(text, value, indent);
        }
    }

    private static void WriteValue(StringBuilder text, JsonNode? value, string indent)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } inner:
                text.Append('\n');
                WriteFields(text, inner, indent + "  ");
                break;
            case JsonArray { Count: > 0 } list:
                text.Append('\n');
                WriteItems(text, list, indent);
                break;
            default:
                text.Append(' ').Append(value is null ? "null" : Scalar(value)).Append('\n');
                break;
        }
    }

    private static void WriteItems(StringBuilder text, JsonArray list, string indent)
    {
        foreach (var item in list)
        {
            text.Append(indent).Append('-');
            if (item is JsonObject fields)
            {
                // The first field stands on the line of the dash.
                var inner = new StringBuilder();
                WriteFields(inner, fields, indent + "  ");
                text.Append(' ').Append(inner.ToString().AsSpan(indent.Length + 2));
            }
            else
            {
                WriteValue(text, item, indent + "  ");
            }
        }
    }

    private static string Scalar(JsonNode value) =>
        value.GetValueKind() == JsonValueKind.String ? Text(value.GetValue<string>()) : value.ToJsonString();

    /// <summary>
    /// Text that reads as text is left plain; all else is quoted, which is JSON and so YAML. Names as well as values: a key `on` is
    /// true to who reads YAML 1.1.
    /// </summary>
    private static string Text(string text) => IsPlain(text) ? text : $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static bool IsPlain(string text) =>
        text.Length > 0
        && (char.IsAsciiLetter(text[0]) || text[0] == '/' || (char.IsAsciiDigit(text[0]) && text.Any(c => c is '/' or 'h' or 's')))
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '/' or '-' or '_')
        && text.ToLowerInvariant() is not ("null" or "true" or "false" or "yes" or "no" or "on" or "off" or "y" or "n");
}
