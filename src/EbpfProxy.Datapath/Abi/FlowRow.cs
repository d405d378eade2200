using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct flow_row</c>: a row of a bucket. Without a generation it is a place without a row.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct FlowRow(ulong Digest, FlowWord Word);

/// <summary>Mirrors <c>struct flow_bucket</c>.</summary>
[InlineArray(Length)]
internal struct FlowBucket
{
    /// <summary>How many rows there is room for.</summary>
    public const int Length = 8;

    private FlowRow _first;
}

/// <summary>
/// Mirrors <c>struct flow_change</c>. Without a word before, a row is added; with one that has no generation after it, removed.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct FlowChange(ulong Digest, FlowWord Before, FlowWord After);
