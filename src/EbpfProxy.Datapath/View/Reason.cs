namespace EbpfProxy.Datapath.View;

/// <summary>Why the programs did what they did: the numbers of <c>enum reason</c> in bpf/include/abi.h.</summary>
public enum Reason
{
    None = 0,
    Translated = 1,
    NoEndpoint = 2,
    UnknownPort = 3,
    NoLocalEndpoint = 4,
    PeersFull = 5,
    PeerOverflow = 6,
    PeerShared = 7,
    StaleSet = 8,
    PeerAdded = 9,
    PeerRemoved = 10,
    ConnectionOpened = 11,
    ConnectionsFull = 12,
    ConnectionEvicted = 13,
    SourceDenied = 14,
    NoConnection = 15,
    NoSourcePort = 16,
    NoSourceAddress = 17,
    Unallocated = 18,
    UnknownFragment = 20,
    RefusalLimited = 21,
    NotRewritable = 22,
    LeftToConntrack = 23,
    AffinityAdded = 24,
    AffinityFull = 25,
}

/// <summary>Reads the programs' counters.</summary>
public static class ReasonCounters
{
    /// <summary>The sum over all CPUs for each reason, by its number; empty where nothing is loaded.</summary>
    public static IReadOnlyList<ulong> Read(string bpfFileSystem)
    {
        string path = Path.Combine(DatapathOptions.PinRootOf(bpfFileSystem), "counters");
        using var map = LibBpfSharp.BpfMap.TryOpenPinned(path);
        if (map is null)
        {
            return [];
        }

        var counters = new LibBpfSharp.BpfPerCpuArrayMap<ulong>(map);
        ulong[] sums = new ulong[map.MaxEntries];
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] = counters.Read(i).Aggregate(0ul, (sum, value) => sum + value);
        }

        return sums;
    }
}
