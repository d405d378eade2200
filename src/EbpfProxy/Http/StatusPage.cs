using System.Globalization;
using System.Text;
using System.Text.Json;

namespace EbpfProxy.Http;

/// <summary>
/// A page about the process as Kubernetes' components have them, /statusz or /flagz: text for people, JSON or YAML for who
/// asks for it by an Accept header such as <c>application/json;as=Statusz;v=v1beta1;g=config.k8s.io</c>.
/// </summary>
/// <param name="Kind">The kind of the object: Statusz or Flagz.</param>
/// <param name="Text">The lines for people.</param>
/// <param name="Fields">The fields of the object, in order: a text, a number, texts, or a map of texts.</param>
internal sealed record StatusPage(string Kind, IReadOnlyList<string> Text, IReadOnlyList<KeyValuePair<string, object>> Fields)
{
    private const string Component = "kube-proxy";
    private const string Group = "config.k8s.io";

    private static readonly string[] _versions = ["v1beta1", "v1alpha1"];

    public Task AnswerAsync(HttpContext context)
    {
        var (type, version) = Negotiate(context.Request.Headers.Accept.ToString());
        if (version == "v1alpha1")
        {
            context.Response.Headers.Warning = $"299 - \"{Group}/v1alpha1 {Kind} is deprecated, use {Group}/v1beta1 {Kind}\"";
        }

        return type switch
        {
            "application/json" => Answer.BytesAsync(context.Response, StatusCodes.Status200OK, type, ToJson(version)),
            "application/yaml" => Answer.BytesAsync(context.Response, StatusCodes.Status200OK, type, Encoding.UTF8.GetBytes(ToYaml(version))),
            "text/plain" => Answer.TextAsync(context.Response, ToText()),
            _ => Answer.BytesAsync(
                context.Response,
                StatusCodes.Status406NotAcceptable,
                "text/plain; charset=utf-8",
                Encoding.UTF8.GetBytes($"not acceptable: text/plain, or application/json or application/yaml with g={Group};v=v1beta1;as={Kind}\n")),
        };
    }

    /// <summary>The first type of the header that there is, and the version of the object; an empty type for none.</summary>
    private (string Type, string Version) Negotiate(string accept)
    {
        if (string.IsNullOrWhiteSpace(accept))
        {
            return ("text/plain", "");
        }

        foreach (string range in accept.Split(','))
        {
            string[] parts = [.. range.Split(';').Select(part => part.Trim())];
            string ValueOf(string name) => parts.Skip(1).Select(part => part.Split('=', 2)).FirstOrDefault(pair => pair[0] == name)?.Last() ?? "";
            switch (parts[0])
            {
                case "*/*" or "text/*" or "text/plain":
                    return ("text/plain", "");
                case "application/json" or "application/yaml"
                    when ValueOf("g") == Group && ValueOf("as") == Kind && _versions.Contains(ValueOf("v")):
                    return (parts[0], ValueOf("v"));
            }
        }

        return ("", "");
    }

    private string ToText()
    {
        var text = new StringBuilder($"\n{Component} {Kind.ToLowerInvariant()}\n");
        text.Append(
            "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n\n");
        foreach (string line in Text)
        {
            text.Append(line).Append('\n');
        }

        return text.ToString();
    }

    private byte[] ToJson(string version)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("kind", Kind);
            json.WriteString("apiVersion", $"{Group}/{version}");
            json.WriteStartObject("metadata");
            json.WriteString("name", Component);
            json.WriteEndObject();
            foreach (var (name, value) in Fields)
            {
                json.WritePropertyName(name);
                Write(json, value);
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static void Write(Utf8JsonWriter json, object value)
    {
        switch (value)
        {
            case long number:
                json.WriteNumberValue(number);
                break;
            case IReadOnlyList<string> texts:
                json.WriteStartArray();
                foreach (string text in texts)
                {
                    json.WriteStringValue(text);
                }

                json.WriteEndArray();
                break;
            case IReadOnlyDictionary<string, string> map:
                json.WriteStartObject();
                foreach (var (key, text) in map)
                {
                    json.WriteString(key, text);
                }

                json.WriteEndObject();
                break;
            default:
                json.WriteStringValue((string)value);
                break;
        }
    }

    private string ToYaml(string version)
    {
        var text = new StringBuilder($"apiVersion: {Group}/{version}\nkind: {Kind}\nmetadata:\n  name: {Component}\n");
        foreach (var (name, value) in Fields)
        {
            string rest = value switch
            {
                long number => " " + number.ToString(CultureInfo.InvariantCulture),
                IReadOnlyList<string> texts => string.Concat(texts.Select(item => $"\n- {Quote(item)}")),
                IReadOnlyDictionary<string, string> { Count: 0 } => " {}",
                IReadOnlyDictionary<string, string> map => string.Concat(map.Select(pair => $"\n  {Quote(pair.Key)}: {Quote(pair.Value)}")),
                _ => " " + Quote((string)value),
            };
            text.Append(name).Append(':').Append(rest).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>A text of JSON is one of YAML, too, and never anything else there.</summary>
    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
