using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>The numbers of <c>enum flow_role</c>.</summary>
internal enum FlowRole : byte
{
    Ask = 0,
    Forward = 1,
    Return = 2,
    Answer = 3,
}

/// <summary>
/// Mirrors <c>struct flow</c>: one aligned 8-byte word. Little endian: the connection in the low 32 bits, then 30 bits of
/// generation and 2 of role.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct FlowWord(ulong Bits)
{
    public const uint MaxGeneration = (1u << 30) - 1;

    public FlowWord(uint connection, uint generation, FlowRole role)
        : this(connection | ((ulong)generation << 32) | ((ulong)role << 62))
    {
    }

    /// <summary>What stands in the place of a row that was removed.</summary>
    public static FlowWord Gone => new(0, 0, FlowRole.Forward);

    /// <summary>Whether it is a row, not a place without one.</summary>
    public bool IsRow => Generation != 0;

    public uint Connection => (uint)Bits;

    public uint Generation => (uint)(Bits >> 32) & MaxGeneration;

    public FlowRole Role => (FlowRole)(Bits >> 62);
}
