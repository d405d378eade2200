using YamlDotNet.RepresentationModel;

namespace EbpfProxy.Controller.Manifests;

/// <summary>One object of a manifest, before it is read.</summary>
/// <param name="ApiVersion">apiVersion, or that of the list that the object stands in.</param>
/// <param name="Kind">kind, or that of the items of the list that the object stands in.</param>
/// <param name="Node">The object itself.</param>
internal readonly record struct ManifestObject(string ApiVersion, string Kind, YamlNode Node)
{
    /// <summary>Lists stand in lists where somebody has put outputs together; by an alias a list can stand in itself.</summary>
    private const int MaxLists = 8;

    /// <summary>The objects of a document: itself, or the items of a list.</summary>
    /// <exception cref="YamlFormatException">The document is no object.</exception>
    public static IEnumerable<ManifestObject> In(YamlNode document) => In(document, "", "", lists: 0);

    private static IEnumerable<ManifestObject> In(YamlNode node, string listVersion, string itemKind, int lists)
    {
        if (lists > MaxLists)
        {
            throw new YamlFormatException(node.Start.Line, node.Start.Column, $"is in more than {MaxLists} lists");
        }

        var mapping = node as YamlMappingNode
            ?? throw new YamlFormatException(node.Start.Line, node.Start.Column, "is no object: apiVersion, kind and metadata are missing");
        string version = Text(mapping, "apiVersion") ?? listVersion;
        string kind = Text(mapping, "kind") ?? itemKind;
        if (kind.Length == 0)
        {
            throw new YamlFormatException(node.Start.Line, node.Start.Column, "kind is missing");
        }

        if (!kind.EndsWith("List", StringComparison.Ordinal))
        {
            return [new ManifestObject(version, kind, node)];
        }

        // The items of a typed list need not say their kind; those of a plain List do.
        return Child(mapping, "items") is YamlSequenceNode items
            ? items.Children.SelectMany(item => In(item, kind == "List" ? "" : version, kind[..^"List".Length], lists + 1))
            : [];
    }

    private static string? Text(YamlMappingNode mapping, string key) => (Child(mapping, key) as YamlScalarNode)?.Value;

    private static YamlNode? Child(YamlMappingNode mapping, string key) =>
        mapping.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;
}
