using System.Runtime.InteropServices;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Abi;

/// <summary>
/// Mirrors <c>struct traffic</c>: one aligned 8-byte word that is read and written at once. Little endian: the set in
/// the low 32 bits, then 24 bits of count and 8 of verdict.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct TrafficWord(ulong Bits)
{
    public const int MaxCount = (1 << 24) - 1;

    public TrafficWord(uint set, int count, Verdict verdict)
        : this(set | ((ulong)(uint)count << 32) | ((ulong)verdict << 56))
    {
    }

    public uint Set => (uint)Bits;

    public int Count => (int)((Bits >> 32) & MaxCount);

    /// <summary>0 (no such service) has no name in the model.</summary>
    public Verdict Verdict => (Verdict)(Bits >> 56);
}
