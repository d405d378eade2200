using System.Threading.Channels;
using EbpfProxy.Datapath.Conntrack;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Stale;

/// <summary>Hears of each time that the kernel's connection tracking was looked through.</summary>
public interface IStaleFlowListener
{
    void OnReconciled(IpFamily family, TimeSpan duration, int deleted);
}

/// <summary>
/// Cuts flows of UDP whose backend left, after services got other backends: closes connected sockets, and deletes what
/// the kernel's connection tracking remembers of other components' translations. Apart from the changes themselves, which
/// wait for none of it, and whom no failure of it reaches.
/// </summary>
public sealed class StaleFlowCleaner
{
    // A socket whose hook has run is connected an instant later.
    private static readonly TimeSpan _untilConnected = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _untilNextTry = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Func<StaleFlows, IReadOnlyCollection<StaleSocket>> _findSockets;
    private readonly StaleSockets _sockets;
    private readonly Func<Address, bool> _isOfNode;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private Dictionary<ServiceKey, PortTables> _changed = [];

    /// <param name="findSockets">Finds the sockets that are connected to a backend that left.</param>
    /// <param name="sockets">Closes them.</param>
    /// <param name="isOfNode">Whether an address is this node's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    internal StaleFlowCleaner(
        Func<StaleFlows, IReadOnlyCollection<StaleSocket>> findSockets, StaleSockets sockets, Func<Address, bool> isOfNode, TimeProvider time, ILogger logger)
    {
        _findSockets = findSockets;
        _sockets = sockets;
        _isOfNode = isOfNode;
        _time = time;
        _logger = logger;
    }

    /// <summary>Follows changes until it is told to stop.</summary>
    public async Task RunAsync(IStaleFlowListener listener, CancellationToken token)
    {
        while (true)
        {
            await _signal.Reader.ReadAsync(token).ConfigureAwait(false);
            var changed = Take();
            var stale = new StaleFlows(changed.Values);
            try
            {
                await CloseSocketsAsync(stale, token).ConfigureAwait(false);
                foreach (var family in Enum.GetValues<IpFamily>().Where(stale.Has))
                {
                    Reconcile(family, stale, listener);
                }
            }
            catch (IOException e)
            {
                Log.StaleFlowsFailed(_logger, e.Message);
                await Task.Delay(_untilNextTry, _time, token).ConfigureAwait(false);
                PutBack(changed);
            }
        }
    }

    /// <summary>Notes services that have other backends than before, once the tables say so.</summary>
    internal void Add(IReadOnlyCollection<PortTables> ports)
    {
        lock (_lock)
        {
            foreach (var port in ports)
            {
                _changed[port.Key] = port;
            }
        }

        if (ports.Count > 0)
        {
            _signal.Writer.TryWrite(true);
        }
    }

    private Dictionary<ServiceKey, PortTables> Take()
    {
        lock (_lock)
        {
            var changed = _changed;
            _changed = [];
            return changed;
        }
    }

    /// <summary>What could not be looked at is looked at again, as it is by then.</summary>
    private void PutBack(Dictionary<ServiceKey, PortTables> changed)
    {
        lock (_lock)
        {
            foreach (var (key, port) in changed)
            {
                _changed.TryAdd(key, port);
            }
        }

        _signal.Writer.TryWrite(true);
    }

    private async Task CloseSocketsAsync(StaleFlows stale, CancellationToken token)
    {
        if (stale.IsEmpty)
        {
            return;
        }

        var found = _findSockets(stale);
        var closed = _sockets.Close(found);
        if (closed.Count < found.Count)
        {
            await Task.Delay(_untilConnected, _time, token).ConfigureAwait(false);
            closed.UnionWith(_sockets.Close([.. found.Where(socket => !closed.Contains(socket))]));
        }

        if (closed.Count > 0)
        {
            Log.SocketsClosed(_logger, closed.Count);
        }
    }

    private void Reconcile(IpFamily family, StaleFlows stale, IStaleFlowListener listener)
    {
        long start = _time.GetTimestamp();
        int deleted = 0;
        if (ConntrackNetlink.HasEntries())
        {
            using var netlink = new ConntrackNetlink();
            foreach (var entry in netlink.Find(family, flow => stale.IsStale(flow, _isOfNode)))
            {
                deleted += netlink.TryDelete(entry) ? 1 : 0;
            }
        }

        listener.OnReconciled(family, _time.GetElapsedTime(start), deleted);
        if (deleted > 0)
        {
            Log.EntriesDeleted(_logger, deleted, family.ToString());
        }
    }
}
