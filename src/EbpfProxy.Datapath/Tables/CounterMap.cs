using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// The map of counters. It goes on counting over restarts. A build that knows another number of reasons has a map of its
/// own, which takes over the counts so far; the numbers of reasons are never used again. What the old programs count from
/// then until they are replaced is lost.
/// </summary>
internal sealed class CounterMap(BpfObject bpf, PinFolder pins)
{
    private bool _isNew;

    /// <summary>Before the object is loaded: decides where the map comes from.</summary>
    public void Prepare()
    {
        var map = bpf.GetMap(TableNames.Counters);
        using var pinned = pins.TryOpenMap(TableNames.Counters);
        _isNew = pinned is null || pinned.MaxEntries != map.MaxEntries;
        if (!_isNew)
        {
            map.Reuse(pinned!);
        }
    }

    /// <summary>After the object is loaded: fills and pins the map if it is new.</summary>
    public void Pin()
    {
        if (!_isNew)
        {
            return;
        }

        var map = bpf.GetMap(TableNames.Counters).Map;
        using (var old = pins.TryOpenMap(TableNames.Counters))
        {
            if (old is not null)
            {
                Copy(new BpfPerCpuArrayMap<ulong>(old), new BpfPerCpuArrayMap<ulong>(map));
            }
        }

        pins.Replace(TableNames.Counters, map);
    }

    private static void Copy(BpfPerCpuArrayMap<ulong> from, BpfPerCpuArrayMap<ulong> to)
    {
        for (int reason = 0; reason < Math.Min(from.Length, to.Length); reason++)
        {
            to.Write(reason, from.Read(reason));
        }
    }
}
