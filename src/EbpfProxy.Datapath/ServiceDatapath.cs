using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Devices;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath;

/// <summary>
/// The maps and programs in the kernel. Opening it takes over what an earlier run left: the maps and the ids in them,
/// and the programs, which go on translating until the first <see cref="Apply"/> has made the maps right and
/// puts this build's programs in their place, one atomic replacement after the other. Disposing it leaves all of it as
/// it is: traffic does not need this process.
/// </summary>
public sealed class ServiceDatapath : IServiceDatapath, IDisposable
{
    private readonly Lock _lock = new();
    private readonly FolderLock _folderLock;
    private readonly BpfObject _bpf;
    private readonly GracePeriods _gracePeriods;
    private readonly TableSet _tables;
    private readonly PinLayout _pins;
    private readonly SocketPrograms _programs;
    private readonly uint _firstGeneration = (uint)Random.Shared.Next(1, int.MaxValue);
    private readonly PeerTable _peers;
    private readonly PeerFill _peerFill;
    private readonly PacketPath? _packets;
    private readonly NodeRoles _roles;
    private NodeNetwork _network;
    private ServiceWriter? _writer;
    private bool _isDisposed;

    private ServiceDatapath(
        FolderLock folderLock, BpfObject bpf, GracePeriods gracePeriods, TableSet tables, PinLayout pins, SocketPrograms programs,
        PeerTable peers, PeerFill peerFill, PacketPath? packets, NodeRoles roles, NodeNetwork network)
    {
        _peers = peers;
        _peerFill = peerFill;
        _packets = packets;
        _roles = roles;
        _network = network;
        _folderLock = folderLock;
        _bpf = bpf;
        _gracePeriods = gracePeriods;
        _tables = tables;
        _pins = pins;
        _programs = programs;
    }

    /// <summary>The maps of the connections that the packet path translates; null where there is no packet path.</summary>
    internal ConnectionMaps? Connections => _packets?.Connections;

    /// <summary>How many devices have the programs, and how many should and do not.</summary>
    public (int Attached, int Failed) Devices => _packets?.Devices ?? default;

    /// <summary>Loads the programs and opens the tables. Nothing that runs is changed by it.</summary>
    /// <exception cref="IOException">The kernel refuses the programs or maps, or another daemon holds the pins.</exception>
    public static ServiceDatapath Open(DatapathOptions options, ILogger logger) => Open(options, SocketObject.Read(), logger);

    /// <summary>The same with the programs of another build.</summary>
    internal static ServiceDatapath Open(DatapathOptions options, ReadOnlySpan<byte> programObject, ILogger logger)
    {
        Directory.CreateDirectory(options.PinRoot);
        var folderLock = FolderLock.Take(options.PinRoot);
        var gracePeriods = new GracePeriods();
        var features = KernelFeatures.Probe();
        var bpf = SocketObject.Open(programObject, features, options.LeavesDeviceAddresses);
        PacketPath? packets = null;
        try
        {
            var pins = new PinLayout(options.PinRoot, SocketObject.VersionsOf(bpf));
            var tables = new TableOpener(bpf, pins.Tables);
            var sockets = new TableOpener(bpf, pins.Sockets);
            var counters = new CounterMap(bpf, pins.Root);
            PrepareTables(tables, sockets, options);
            counters.Prepare();
            bpf.Load();
            tables.Pin();
            sockets.Pin();
            counters.Pin();
            var set = new TableSet(
                tables.OpenHash<AddressKey, AddressInfo>(TableNames.Addresses, gracePeriods),
                tables.OpenHash<FrontendKey, FrontendValue>(TableNames.Frontends, gracePeriods),
                tables.OpenArray<ServiceValue>(TableNames.Services),
                tables.OpenArray<uint>(TableNames.Sets),
                tables.OpenArray<BackendValue>(TableNames.Backends),
                tables.OpenArray<ServiceName>(TableNames.Names));
            Log.Opened(logger, options.PinRoot, tables.HasAdopted ? "taken over" : "new");
            var peers = sockets.OpenPeers(logger);
            peers.FinishGrowth();
            var peerFill = new PeerFill(bpf.GetMap(TableNames.Counters).Map, peers.Count());
            var programs = new SocketPrograms(bpf, pins.Links, options.CgroupRoot, logger);
            packets = options.Packets is null
                ? null
                : PacketPath.Open(bpf, features, pins, options.Packets, options.LeavesDeviceAddresses, gracePeriods, logger);
            // Known before the first write, so that a restart finds nothing to change.
            var network = NodeNetworkWatcher.Read();
            var roles = new NodeRoles(options);
            roles.Update(network, writer: null);
            return new ServiceDatapath(folderLock, bpf, gracePeriods, set, pins, programs, peers, peerFill, packets, roles, network);
        }
        catch
        {
            packets?.Dispose();
            bpf.Dispose();
            gracePeriods.Dispose();
            folderLock.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ApplyResult Apply(IReadOnlyCollection<ServiceChange> changes, bool isComplete)
    {
        lock (_lock)
        {
            _writer ??= Adopt();
            try
            {
                var result = _writer.Apply(changes, isComplete);
                if (!_programs.AreAttached)
                {
                    _packets?.Attach(_network);
                    _programs.Attach();
                    _pins.RemoveOtherVersions();
                }

                return result;
            }
            catch
            {
                // What was written stays; the next call, a complete one, starts from what the kernel holds.
                _writer = null;
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public void SetNode(ClusterNode? node)
    {
        lock (_lock)
        {
            _roles.SetNode(node, _network, _writer);
        }
    }

    /// <summary>Says what devices and addresses the node has; see <see cref="NodeNetworkWatcher"/>.</summary>
    /// <param name="network">What there is.</param>
    /// <param name="isThorough">Whether to look at what was right before, too.</param>
    public void SetNetwork(NodeNetwork network, bool isThorough)
    {
        lock (_lock)
        {
            _network = network;
            _roles.Update(network, _writer);
            if (_programs.AreAttached)
            {
                _packets?.Update(network, isThorough);
            }
        }
    }

    /// <summary>
    /// What is done now and then, apart from changes: gives back what was removed, and makes the table of socket peers
    /// larger when it is half full.
    /// </summary>
    public void Maintain()
    {
        lock (_lock)
        {
            _writer?.Collect();
            if (_peerFill.Count > _peers.Capacity / 2)
            {
                _peers.Grow();
            }
        }
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _packets?.Dispose();
        _programs.Dispose();
        _bpf.Dispose();
        _gracePeriods.Dispose();
        _folderLock.Dispose();
    }

    private ServiceWriter Adopt()
    {
        var writer = ServiceWriter.Adopt(_tables, _gracePeriods, _firstGeneration);
        _roles.Adopt(writer);
        return writer;
    }

    private static void PrepareTables(TableOpener tables, TableOpener sockets, DatapathOptions options)
    {
        // Small, so that a dump of an array shows little that is free: the first complete change makes room for all.
        const uint initial = 16;
        foreach (string table in new[]
        {
            TableNames.Addresses, TableNames.Frontends, TableNames.Services, TableNames.Sets, TableNames.Backends, TableNames.Names,
            TableNames.Clients, TableNames.Affinity, TableNames.Ranges,
        })
        {
            tables.Prepare(table, initial);
        }

        sockets.Prepare(TableNames.Peers, options.InitialPeers);
    }
}
