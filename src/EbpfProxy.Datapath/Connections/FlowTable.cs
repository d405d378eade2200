using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Abi;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// The rows of flows (bpf/packet/flow_row.h): a packet as one hook sees it -> its connection. Rows are changed by a program,
/// because only programs can take the locks of buckets. Does not own the map and the program. Thread-safe.
/// </summary>
/// <param name="buckets">The map.</param>
/// <param name="changeRows">The program <see cref="ChangeRowsProgram"/>, which uses this very map.</param>
/// <param name="secret">Of the digests in it.</param>
internal sealed class FlowTable(BpfMap buckets, BpfProgram changeRows, FlowSecret secret)
{
    /// <summary>The program that changes rows.</summary>
    public const string ChangeRowsProgram = "change_rows";

    // FLOW_CHANGES_AT_ONCE and FLOW_CHANGES_AT of bpf/include/connection_abi.h.
    private const int MostAtOnce = 64;
    private const int HeadersLength = 16;

    // FLOW_HOMES_A_SPILL of bpf/include/connection_abi.h.
    private const uint HomesASpill = 8;

    private readonly BpfArrayMap<FlowBucket> _buckets = new(buckets);

    /// <summary>How many buckets there are.</summary>
    public int Length => _buckets.Length;

    /// <summary>How many buckets there are where so many belong to rows; the others are for what has no room there.</summary>
    public static uint LengthFor(uint homes) => homes + ((homes + HomesASpill - 1) / HomesASpill);

    /// <summary>The digest that the rows of a packet have.</summary>
    public ulong DigestOf(in FlowKey key) => secret.DigestOf(key);

    /// <summary>Reads the buckets from <paramref name="first"/> on.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public void Read(int first, Span<FlowBucket> read) => _buckets.Read(first, read);

    /// <summary>
    /// Makes changes, each whole or not at all: a row that is not there, or leads elsewhere by now, stays as it is, and one whose
    /// place is taken is not added.
    /// </summary>
    /// <returns>How many were made.</returns>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public int Change(ReadOnlySpan<FlowChange> changes)
    {
        Span<byte> packet = stackalloc byte[HeadersLength + (MostAtOnce * Marshal.SizeOf<FlowChange>())];
        packet.Clear();
        int made = 0;
        for (; !changes.IsEmpty; changes = changes[Math.Min(MostAtOnce, changes.Length)..])
        {
            var bytes = MemoryMarshal.AsBytes(changes[..Math.Min(MostAtOnce, changes.Length)]);
            bytes.CopyTo(packet[HeadersLength..]);
            made += (int)changeRows.TestRun(new BpfTestRunOptions { Packet = packet[..(HeadersLength + bytes.Length)] }).ReturnValue;
        }

        return made;
    }
}
