using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// The table of socket peers. There is a limit to it: the kernel's own sockets are closed without a hook and leave their
/// records, which only add up. A table that the sockets of all open files could not fill is large enough.
/// </summary>
internal sealed class PeerTable(BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types, TimeProvider time, ILogger logger)
    : ProgramTable<PeerKey, PeerValue>(TableNames.Peers, map, slot, pins, types, time)
{
    /// <summary>PEERS_PER_SOCKET of bpf/include/abi.h.</summary>
    public const int PeersPerSocket = 16;

    protected override long Limit => OpenFiles.CountAtMost() * PeersPerSocket;

    protected override void LogGrown() => Log.PeersGrown(logger, Capacity);

    protected override void LogNotGrown(string reason) => Log.PeersNotGrown(logger, Capacity, reason, Retries.Longest.TotalSeconds);

    protected override void LogAtLimit() => Log.PeersAtLimit(logger, Capacity);
}
