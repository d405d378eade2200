using System.Buffers;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EbpfProxy.Controller.Manifests;

/// <summary>
/// Turns YAML into JSON, so that one set of readers serves manifests, configuration and the API server. JSON is YAML too.
/// </summary>
public static class YamlJson
{
    // An alias may repeat a node that repeats others: a few lines of YAML can stand for gigabytes, or for no end at all.
    private const int _maxDepth = 64;
    private const long _maxBytes = 8 << 20;

    /// <summary>The documents of a file as JSON; empty ones are left out.</summary>
    /// <exception cref="YamlFormatException">The text is not YAML.</exception>
    public static IReadOnlyList<byte[]> ReadDocuments(string text) =>
        [.. Load(text).Where(root => !IsEmpty(root)).Select(ToJson)];

    /// <summary>The same, where a key may come more than once in a mapping: the last one counts, and its path is told.</summary>
    /// <exception cref="YamlFormatException">The text is not YAML.</exception>
    public static IReadOnlyList<(byte[] Json, IReadOnlyList<string> Duplicates)> ReadLenient(string text) =>
        [.. Parse(text, () => YamlTree.Load(text)).Where(document => !IsEmpty(document.Root)).Select(document => (ToJson(document.Root), document.Duplicates))];

    /// <summary>The documents of a file.</summary>
    /// <exception cref="YamlFormatException">The text is not YAML.</exception>
    internal static IReadOnlyList<YamlNode> Load(string text) => Parse<YamlNode>(text, () =>
    {
        var stream = new YamlStream();
        stream.Load(new NestingLimit(new Parser(new StringReader(text)), _maxDepth));
        return [.. stream.Documents.Select(document => document.RootNode)];
    });

    internal static bool IsEmpty(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };

    /// <summary>One node as JSON.</summary>
    /// <exception cref="YamlFormatException">The node nests too deeply, is too large, or has a key that is no text.</exception>
    internal static byte[] ToJson(YamlNode node)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            Write(node, json, depth: 0);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(YamlNode node, Utf8JsonWriter json, int depth)
    {
        // As deep as readers of JSON go by themselves, which count what holds something.
        if (depth >= _maxDepth && node is not YamlScalarNode)
        {
            throw Fault(node, $"is nested more than {_maxDepth} deep");
        }

        if (json.BytesCommitted + json.BytesPending > _maxBytes)
        {
            throw Fault(node, $"makes an object of more than {_maxBytes >> 20} MiB");
        }

        switch (node)
        {
            case YamlScalarNode scalar:
                YamlScalar.Write(scalar, json);
                break;
            case YamlSequenceNode sequence:
                json.WriteStartArray();
                foreach (var item in sequence.Children)
                {
                    Write(item, json, depth + 1);
                }

                json.WriteEndArray();
                break;
            case YamlMappingNode mapping:
                json.WriteStartObject();
                WriteMembers(mapping, json, [], depth);
                json.WriteEndObject();
                break;
            default:
                throw Fault(node, $"is a {node.NodeType}, which has no place in a manifest");
        }
    }

    private static void WriteMembers(YamlMappingNode mapping, Utf8JsonWriter json, HashSet<string> written, int depth)
    {
        if (depth > _maxDepth)
        {
            throw Fault(mapping, $"is nested more than {_maxDepth} deep");
        }

        foreach (var (key, value) in mapping.Children)
        {
            string name = (key as YamlScalarNode)?.Value ?? throw Fault(key, "is a key that is no text");
            if (!IsMerge(key) && written.Add(name))
            {
                json.WritePropertyName(name);
                Write(value, json, depth + 1);
            }
        }

        // What a mapping says itself goes before what it merges.
        foreach (var (_, value) in mapping.Children.Where(child => IsMerge(child.Key)))
        {
            foreach (var merged in value is YamlSequenceNode many ? many.Children : [value])
            {
                WriteMembers(merged as YamlMappingNode ?? throw Fault(merged, "is merged but no mapping"), json, written, depth + 1);
            }
        }
    }

    private static bool IsMerge(YamlNode key) => key is YamlScalarNode { Style: ScalarStyle.Plain, Value: "<<" };

    private static YamlFormatException Fault(YamlNode node, string message) => new(node.Start.Line, node.Start.Column, message);

    private static IReadOnlyList<T> Parse<T>(string text, Func<IReadOnlyList<T>> load)
    {
        try
        {
            return load();
        }
        catch (YamlException e)
        {
            string message = OneLine(e.InnerException?.Message ?? e.Message);
            var (line, column) = (message.Contains(" tab ", StringComparison.Ordinal) ? FindTab(text, e.Start.Line) : null) ?? (e.Start.Line, e.Start.Column);
            throw new YamlFormatException(line, column, message);
        }
    }

    /// <summary>The first tab that indents a line: of one, the library tells the line before it, or the beginning of the text.</summary>
    private static (long Line, long Column)? FindTab(string text, long from)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n').Index().Skip((int)from - 1);
        foreach (var (index, line) in lines)
        {
            int tab = line.AsSpan().IndexOfAnyExcept(' ');
            if (tab >= 0 && line[tab] == '\t')
            {
                return (index + 1, tab + 1);
            }
        }

        return null;
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ");
}
