using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// The table of session affinity. Anybody can add to it by asking from many addresses: with room for as many clients as
/// the packet path has connections it is large enough.
/// </summary>
internal sealed class AffinityTable(BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types, TimeProvider time, ILogger logger)
    : ProgramTable<AffinityKey, AffinityValue>(TableNames.Affinity, map, slot, pins, types, time)
{
    protected override long Limit { get; } = ConnectionCapacity.OfThisNode();

    /// <summary>Only the controller removes rows.</summary>
    protected override bool MayCopyAhead => true;

    protected override bool IsYounger(in AffinityValue value, in AffinityValue other) => value.LastConnectionNs > other.LastConnectionNs;

    protected override void LogGrown() => Log.AffinityGrown(logger, Capacity);

    protected override void LogNotGrown(string reason) => Log.AffinityNotGrown(logger, Capacity, reason, Retries.Longest.TotalSeconds);

    protected override void LogAtLimit() => Log.AffinityAtLimit(logger, Capacity);
}
