using EbpfProxy.Datapath.View;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// How many rows a table has that the programs write: counted once, then followed by the programs' own counters, which
/// cost nothing to read.
/// </summary>
/// <param name="counters">The map of counters.</param>
/// <param name="added">What programs count rows by that they add.</param>
/// <param name="removed">The same for those they remove; null where they remove none.</param>
internal sealed class RowCount(BpfMap counters, Reason added, Reason? removed = null)
{
    private readonly BpfPerCpuArrayMap<ulong> _counters = new(counters);
    private long _before;

    public long Value => _before + Difference();

    /// <summary>Says how many there are.</summary>
    public void Set(long count) => _before = count - Difference();

    private long Difference() => Sum(added) - (removed is { } reason ? Sum(reason) : 0);

    private long Sum(Reason reason) => _counters.Read((int)reason).Aggregate(0L, (sum, value) => sum + (long)value);
}
