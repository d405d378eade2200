using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct source_range</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct SourceRange(uint Allowed)
{
    public static SourceRange Allow { get; } = new(1);
}
