using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
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

    /// <summary>For the peers, which the programs write and no change touches: no change waits for records to be moved.</summary>
    private readonly Lock _peersLock = new();
    private readonly FolderLock _folderLock;
    private readonly BpfObject _bpf;
    private readonly GracePeriods _gracePeriods;
    private readonly TableSet _tables;
    private readonly PinLayout _pins;
    private readonly SocketPrograms _programs;
    private readonly uint _firstGeneration = (uint)Random.Shared.Next(1, int.MaxValue);
    private readonly PeerTable _peers;
    private readonly PacketPath? _packets;
    private readonly NodeRoles _roles;
    private PeerFill? _peerFill;
    private NodeNetwork _network;
    private ServiceWriter? _writer;
    private bool _needsEverything;
    private volatile bool _hasNewPrograms;
    private bool _isDisposed;

    private ServiceDatapath(
        FolderLock folderLock, BpfObject bpf, GracePeriods gracePeriods, TableSet tables, PinLayout pins, SocketPrograms programs,
        PeerTable peers, PacketPath? packets, NodeRoles roles, NodeNetwork network)
    {
        _peers = peers;
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

    /// <summary>How many connections the packet path translates, as last counted, and how many there is room for.</summary>
    public (int InUse, int Capacity) ConnectionFill => _packets?.Fill ?? default;

    /// <summary>How many devices have the programs, and how many should and do not.</summary>
    public (int Attached, int Failed) Devices => _packets?.Devices ?? default;

    /// <summary>Whether connections go around the stack, and why or why not; null without a packet path.</summary>
    public FastPathState? FastPath => _packets?.FastPath;

    /// <summary>Looks anew whether connections may go around the stack; see <see cref="RuleWatcher"/>.</summary>
    public void LookAtRules() => _packets?.LookAtRules();

    /// <summary>The same for what nobody tells of; to be called every second.</summary>
    public void LookAround() => _packets?.LookAround();

    /// <summary>Loads the programs and opens the tables. Nothing that runs is changed by it.</summary>
    /// <exception cref="IOException">The kernel refuses the programs or maps, or another daemon holds the pins.</exception>
    public static ServiceDatapath Open(DatapathOptions options, ILogger logger) => Open(options, SocketObject.Read(), logger);

    /// <summary>The same with the programs of another build.</summary>
    internal static ServiceDatapath Open(DatapathOptions options, ReadOnlySpan<byte> programObject, ILogger logger) =>
        Open(options, programObject, KernelFeatures.Probe(), logger);

    /// <summary>The same as on a kernel with these features.</summary>
    internal static ServiceDatapath Open(
        DatapathOptions options, ReadOnlySpan<byte> programObject, KernelFeatures features, ILogger logger)
    {
        Directory.CreateDirectory(options.PinRoot);
        var folderLock = FolderLock.Take(options.PinRoot);
        var gracePeriods = new GracePeriods();
        var bpf = SocketObject.Open(programObject, features, options.Sockets, options.LeavesDeviceAddresses);
        PacketPath? packets = null;
        try
        {
            var pins = new PinLayout(options.PinRoot, SocketObject.VersionsOf(bpf));
            var tables = new TableOpener(bpf, pins.Tables);
            var sockets = new TableOpener(bpf, pins.Sockets);
            var counters = new CounterMap(bpf, pins.Root);
            var programs = new SocketPrograms(bpf, pins.Links, options.CgroupRoot, options.Sockets.ReservesNodePorts, logger);
            programs.RefuseOthers();
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
                tables.OpenArray<ServiceName>(TableNames.Names),
                tables.OpenHash<SourceRangeKey, SourceRange>(TableNames.Ranges, gracePeriods));
            Log.Opened(logger, options.PinRoot, tables.HasAdopted ? "taken over" : "new");
            var peers = sockets.OpenPeers(logger);
            packets = options.Packets is null
                ? null
                : PacketPath.Open(bpf, features, pins, options.Packets, options.LeavesDeviceAddresses, gracePeriods, logger);

            // Known before the first write, so that a restart finds nothing to change.
            var network = NodeNetworkWatcher.Read();
            var roles = new NodeRoles(options);
            roles.Update(network, writer: null);
            return new ServiceDatapath(folderLock, bpf, gracePeriods, set, pins, programs, peers, packets, roles, network);
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

    /// <summary>Whether something outside <see cref="Apply"/> failed, so that every service has to be applied again.</summary>
    public bool NeedsEverything
    {
        get
        {
            lock (_lock)
            {
                return _needsEverything;
            }
        }
    }

    /// <inheritdoc/>
    public ApplyResult Apply(IReadOnlyCollection<ServiceChange> changes, bool isComplete)
    {
        lock (_lock)
        {
            return Guard(() =>
            {
                _writer ??= Adopt();
                var result = _writer.Apply(changes, isComplete);
                _needsEverything &= !isComplete;
                if (!_programs.AreAttached)
                {
                    _packets?.Attach(_network);
                    _programs.Attach();
                    _hasNewPrograms = true;
                    _pins.RemoveOtherVersions();
                }

                return result;
            });
        }
    }

    /// <inheritdoc/>
    public void SetNode(ClusterNode? node)
    {
        lock (_lock)
        {
            Guard(() => _roles.SetNode(node, _network, _writer));
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
            Guard(() => _roles.Update(network, _writer));
            if (_programs.AreAttached)
            {
                _packets?.Update(network, isThorough);
            }
            else
            {
                _packets?.Follow(network);
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
            Guard(() => _writer?.Collect());
            _packets?.Sweep(IsFrontend);
        }

        lock (_peersLock)
        {
            // The programs before may have counted on a map of their own.
            if (_peerFill is null || _hasNewPrograms)
            {
                _hasNewPrograms = false;
                _peerFill = new PeerFill(_bpf.GetMap(TableNames.Counters).Map, _peers.Count());
            }

            long count = _peerFill.Count;
            if (count > _peers.Capacity / 2)
            {
                _peers.Grow(count);
            }

            _peers.Move();
        }
    }

    /// <summary>Gives back what memory of this process is only needed while services change; they may change again at any time.</summary>
    public void ReleaseMemory()
    {
        lock (_lock)
        {
            _tables.Unmap();
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

    private void Guard(Action write) => Guard(() =>
    {
        write();
        return true;
    });

    /// <summary>After a failed write, what was written stays, and the next call starts from what the kernel holds.</summary>
    private T Guard<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch
        {
            _writer = null;
            _needsEverything = true;
            throw;
        }
    }

    private bool IsFrontend(Address address, ushort port, Protocol protocol) =>
        _tables.Frontends.TryRead(FrontendKey.From(address, port, protocol), out _)
        || _tables.Frontends.TryRead(FrontendKey.From(Address.AnyOf(address.Family), port, protocol), out _);

    private ServiceWriter Adopt()
    {
        var writer = ServiceWriter.Adopt(_tables, _gracePeriods, _firstGeneration);
        writer.WhenFrontendsGo(() => _packets?.FrontendGoes());
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
