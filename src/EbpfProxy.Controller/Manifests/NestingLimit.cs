using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace EbpfProxy.Controller.Manifests;

/// <summary>A parser that refuses what is nested too deeply: the library goes into it by recursion, and the stack would end first.</summary>
internal sealed class NestingLimit(IParser parser, int maxDepth) : IParser
{
    private int _depth;

    public ParsingEvent? Current => parser.Current;

    public bool MoveNext()
    {
        bool isAny = parser.MoveNext();
        _depth += parser.Current switch
        {
            SequenceStart or MappingStart => 1,
            SequenceEnd or MappingEnd => -1,
            _ => 0,
        };
        return _depth <= maxDepth
            ? isAny
            : throw new YamlException(parser.Current!.Start, parser.Current.End, $"is nested more than {maxDepth} deep");
    }
}
