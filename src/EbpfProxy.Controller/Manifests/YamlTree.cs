using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace EbpfProxy.Controller.Manifests;

/// <summary>Reads documents of YAML in which a mapping may have a key more than once: the last one counts, and each is told.</summary>
internal sealed class YamlTree
{
    private const int _maxDepth = 64;

    private readonly Dictionary<AnchorName, YamlNode> _anchors = [];
    private readonly List<string> _duplicates = [];

    /// <summary>The documents, and the paths of the keys that each has more than once.</summary>
    /// <exception cref="YamlException">The text is not YAML.</exception>
    public static IReadOnlyList<(YamlNode Root, IReadOnlyList<string> Duplicates)> Load(string text)
    {
        var parser = new Parser(new StringReader(text));
        var documents = new List<(YamlNode, IReadOnlyList<string>)>();
        parser.Consume<StreamStart>();
        while (!parser.TryConsume<StreamEnd>(out _))
        {
            parser.Consume<DocumentStart>();
            var tree = new YamlTree();
            documents.Add((tree.Read(parser, "", depth: 0), tree._duplicates));
            parser.Consume<DocumentEnd>();
        }

        return documents;
    }

    private YamlNode Read(Parser parser, string path, int depth)
    {
        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            return _anchors.TryGetValue(alias.Value, out var known) ? known : throw new YamlException(alias.Start, alias.End, $"{alias.Value} is not known");
        }

        var start = parser.Current as NodeEvent ?? throw new YamlException("the document ends too soon");
        if (depth > _maxDepth)
        {
            throw new YamlException(start.Start, start.End, $"is nested more than {_maxDepth} deep");
        }

        // An anchor is known from its end on: a node cannot hold itself.
        var node = ReadNode(parser, path, depth);
        if (!start.Anchor.IsEmpty)
        {
            _anchors[start.Anchor] = node;
        }

        return node;
    }

    private YamlNode ReadNode(Parser parser, string path, int depth)
    {
        if (parser.TryConsume<Scalar>(out var scalar))
        {
            return new YamlScalarNode(scalar.Value) { Style = scalar.Style, Tag = scalar.Tag };
        }

        if (parser.TryConsume<SequenceStart>(out _))
        {
            var sequence = new YamlSequenceNode();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                sequence.Add(Read(parser, $"{path}[{sequence.Children.Count}]", depth + 1));
            }

            return sequence;
        }

        parser.Consume<MappingStart>();
        var mapping = new YamlMappingNode();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var key = Read(parser, path, depth + 1);
            string field = path.Length == 0 ? $"{key}" : $"{path}.{key}";
            if (mapping.Children.Remove(key))
            {
                _duplicates.Add(field);
            }

            mapping.Add(key, Read(parser, field, depth + 1));
        }

        return mapping;
    }
}
