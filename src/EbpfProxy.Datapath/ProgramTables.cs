using System.Runtime.ExceptionServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Affinity;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Devices;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath;

/// <summary>
/// The tables of sockets and clients, which the programs write and no change of a service touches: what is done to them is
/// done beside changes, which never wait for rows to be moved. Safe to use from several threads.
/// </summary>
internal sealed class ProgramTables
{
    /// <summary>Taken before the lock of changes, never after it.</summary>
    private readonly Lock _lock = new();
    private readonly PeerTable _peers;
    private readonly RowCount _peerCount;
    private readonly AffinitySweeper _affinity;
    private readonly ClientWatch _clients;
    private readonly Retries _clientLooks;
    private volatile bool _hasNewPrograms = true;
    private List<PeerKey> _untilClosed = [];

    /// <param name="peers">What sockets asked and got.</param>
    /// <param name="affinity">What clients got.</param>
    /// <param name="clients">Whose a socket's packets are.</param>
    /// <param name="tables">The services and backends that rows name.</param>
    /// <param name="changes">Held by whoever reads or writes those.</param>
    /// <param name="counters">What the programs count rows by.</param>
    /// <param name="logger">The log.</param>
    public ProgramTables(
        PeerTable peers, AffinityTable affinity, ClientTable clients, TableSet tables, Lock changes, BpfMap counters, ILogger logger)
    {
        _peers = peers;
        _peerCount = new RowCount(counters, Reason.PeerAdded, Reason.PeerRemoved);
        _affinity = new AffinitySweeper(affinity, tables, changes, counters, TimeProvider.System);
        _clients = new ClientWatch(clients, TimeProvider.System);
        _clientLooks = new Retries(TimeProvider.System, reason => Log.ClientsNotFound(logger, reason, Retries.Longest.TotalSeconds));
    }

    /// <summary>Says that other programs are attached: those before may have counted rows on a map of their own.</summary>
    public void HaveNewPrograms() => _hasNewPrograms = true;

    /// <summary>Says what devices there are: with them clients come and go.</summary>
    public void SetNetwork(NodeNetwork network) => _clients.SetNetwork(network);

    /// <summary>
    /// Makes tables larger when they are half full, removes what is too old, looks who the clients are; every second. What
    /// fails for one table is done for the others.
    /// </summary>
    /// <param name="remembersClients">Whether a service has session affinity.</param>
    /// <exception cref="IOException">The kernel refused something. That a table does not grow is no such thing.</exception>
    public void Maintain(bool remembersClients)
    {
        lock (_lock)
        {
            if (_hasNewPrograms)
            {
                _hasNewPrograms = false;
                _peerCount.Set(_peers.Count());
                _affinity.Recount();
            }

            RunAll(
                MaintainPeers,
                _affinity.Step,
                () =>
                {
                    if (remembersClients)
                    {
                        _clientLooks.Try(_clients.Step);
                    }
                });
        }
    }

    /// <summary>
    /// Holds the tables as they are, for whoever writes rows itself: they neither grow nor move until it is disposed. To be taken
    /// before the lock of changes.
    /// </summary>
    public Lock.Scope Hold() => _lock.EnterScope();

    /// <summary>The records of sockets that are such.</summary>
    public List<KeyValuePair<PeerKey, PeerValue>> FindPeers(Func<PeerValue, bool> isSuch)
    {
        lock (_lock)
        {
            return [.. _peers.ReadAll().Where(row => isSuch(row.Value))];
        }
    }

    /// <summary>
    /// Whether there are records that go at the end of their connection, where no more of them are made: they are looked for once,
    /// and again when those that were found are gone.
    /// </summary>
    public bool HasUntilClosed()
    {
        lock (_lock)
        {
            return IsAnyUntilClosed() || FindUntilClosed();
        }
    }

    private bool FindUntilClosed()
    {
        _untilClosed = [.. _peers.ReadAll().Where(row => row.Value.Flags.HasFlag(PeerFlags.UntilClosed)).Select(row => row.Key)];
        return _untilClosed.Count > 0;
    }

    private bool IsAnyUntilClosed()
    {
        while (_untilClosed.Count > 0)
        {
            if (_peers.TryRead(_untilClosed[^1], out var peer) && peer.Flags.HasFlag(PeerFlags.UntilClosed))
            {
                return true;
            }

            _untilClosed.RemoveAt(_untilClosed.Count - 1);
        }

        return false;
    }

    private void MaintainPeers()
    {
        long count = _peerCount.Value;
        if (count > _peers.Capacity / 2)
        {
            _peers.Grow(count);
        }

        _peers.Move();
    }

    /// <summary>Each of them, whether one before failed or not; the first failure comes out.</summary>
    private static void RunAll(params ReadOnlySpan<Action> steps)
    {
        ExceptionDispatchInfo? failure = null;
        foreach (var step in steps)
        {
            try
            {
                step();
            }
            catch (IOException e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        failure?.Throw();
    }
}
