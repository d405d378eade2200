using EbpfProxy.Datapath.View;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>How full the table of peers is: counted once, then followed by the programs' own counters, which cost nothing to read.</summary>
internal sealed class PeerFill
{
    private readonly BpfPerCpuArrayMap<ulong> _counters;
    private readonly long _atStart;

    public PeerFill(BpfMap counters, long count)
    {
        _counters = new BpfPerCpuArrayMap<ulong>(counters);
        _atStart = count - Difference();
    }

    public long Count => _atStart + Difference();

    private long Difference() => Sum(Reason.PeerAdded) - Sum(Reason.PeerRemoved);

    private long Sum(Reason reason) => _counters.Read((int)reason).Aggregate(0L, (sum, value) => sum + (long)value);
}
