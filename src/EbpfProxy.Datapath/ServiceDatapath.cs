using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Stale;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath;

/// <summary>
/// The maps and programs in the kernel. Opening it takes over what an earlier run left: the maps and the ids in them,
/// and the programs, which go on translating until the first <see cref="Apply"/> has made the maps right and
/// puts this build's programs in their place, one atomic replacement after the other. Disposing it leaves all of it as
/// it is: traffic does not need this process.
/// </summary>
public sealed partial class ServiceDatapath : IServiceDatapath, IDisposable
{
    private readonly Lock _lock;
    private IReadOnlyCollection<Prefix> _servicePrefixes = [];
    private readonly FolderLock _folderLock;
    private readonly BpfObject _bpf;
    private readonly GracePeriods _gracePeriods;
    private readonly TableSet _tables;
    private readonly FrontendRows _frontends;
    private readonly PinLayout _pins;
    private readonly SocketPrograms _programs;
    private readonly uint _firstGeneration = (uint)Random.Shared.Next(1, int.MaxValue);
    private readonly ProgramTables _programTables;
    private readonly PacketPath? _packets;
    private readonly NodeRoles _roles;
    private readonly InheritedPeers _inherited;
    private readonly StaleFlowCleaner _staleFlows;
    private volatile NodeNetwork _network;
    private ServiceWriter? _writer;
    private bool _needsEverything;
    private bool _isDisposed;

    private ServiceDatapath(
        FolderLock folderLock, BpfObject bpf, GracePeriods gracePeriods, TableSet tables, PinLayout pins, SocketPrograms programs,
        ProgramTables programTables, Lock changes, PacketPath? packets, NodeRoles roles, InheritedPeers inherited, NodeNetwork network,
        NetworkNamespaces namespaces, ILogger logger)
    {
        _lock = changes;
        _programTables = programTables;
        _staleFlows = new StaleFlowCleaner(
            FindStaleSockets, new StaleSockets(namespaces, logger), IsOfNode, TimeProvider.System, logger);
        _packets = packets;
        _roles = roles;
        _inherited = inherited;
        _network = network;
        _folderLock = folderLock;
        _bpf = bpf;
        _gracePeriods = gracePeriods;
        _tables = tables;
        _frontends = new FrontendRows(tables, IsOfNode);
        _pins = pins;
        _programs = programs;
    }

    /// <summary>How many connections the packet path translates, as last counted, and how many there is room for.</summary>
    public (int InUse, int Capacity) ConnectionFill => _packets?.Fill ?? default;

    /// <inheritdoc cref="DeviceCoverage"/>
    public DeviceCoverage Devices => _packets?.Devices ?? DeviceCoverage.None;

    /// <summary>Hears once of each service that does without a frontend, because another has it.</summary>
    public Action<ContestedFrontend>? Contested { get; set; }

    /// <summary>Whether connections go around the stack, and why or why not; null without a packet path.</summary>
    public FastPathState? FastPath => _packets?.FastPath;

    /// <summary>
    /// How many packets are known to be translated by the kernel's connection tracking, and how many had no place in the
    /// table; none where programs ask it themselves.
    /// </summary>
    public (int Rows, int LeftOut) TrackedFill => _packets?.TrackedFill ?? default;

    /// <summary>What each program of this build has cost.</summary>
    /// <exception cref="IOException">The kernel does not say.</exception>
    public IReadOnlyList<ProgramRun> ReadProgramRuns() =>
    [
        .. _programs.All.Concat(_packets?.Programs ?? [])
            .Select(program => (program.Name, Info: program.ReadInfo()))
            .Select(program => new ProgramRun(program.Name, program.Info.RunCount, program.Info.RunTime)),
    ];

    /// <summary>The node's addresses that node ports are served on: where the servers beside them listen, too.</summary>
    public IReadOnlySet<Address> ListenOn => _roles.ListenOn;

    /// <summary>Cuts flows of UDP whose backends left, as services get others; to be run beside all else.</summary>
    public StaleFlowCleaner StaleFlows => _staleFlows;

    /// <summary>Follows the kernel's connection tracking where programs cannot ask it; to be run beside all else.</summary>
    public Task FollowConntrackAsync(CancellationToken token) =>
        _packets?.FollowConntrackAsync(token) ?? Task.Delay(Timeout.Infinite, token);

    /// <summary>Looks anew whether connections may go around the stack; see <see cref="RuleWatcher"/>.</summary>
    public void LookAtRules() => _packets?.LookAtRules();

    /// <summary>The same for what nobody tells of; to be called every second.</summary>
    public void LookAround() => _packets?.LookAround();

    /// <summary>To be called before the process ends: what only a daemon can answer for is not left on.</summary>
    public void Leave() => _packets?.Leave();

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
        if (_programs.AreAttached)
        {
            return ApplyOnly(changes, isComplete);
        }

        // Sockets inherit what rules gave them.
        using (_programTables.Hold())
        {
            return ApplyOnly(changes, isComplete);
        }
    }

    private ApplyResult ApplyOnly(IReadOnlyCollection<ServiceChange> changes, bool isComplete)
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
                    _programs.Attach(_inherited.Take);
                    if (_programs.IsEnding)
                    {
                        // A hook that counted before it was replaced has written its record by then.
                        _gracePeriods.Wait(_gracePeriods.Request());
                    }

                    _programTables.HaveNewPrograms();
                    _pins.RemoveOtherVersions();
                }

                _staleFlows.Add(_writer.Moved);
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

    /// <summary>The prefixes that only services have addresses of, as they were last set.</summary>
    public IReadOnlyCollection<Prefix> ServicePrefixes => Volatile.Read(ref _servicePrefixes);

    /// <inheritdoc/>
    public void SetServicePrefixes(IReadOnlyCollection<Prefix> prefixes)
    {
        lock (_lock)
        {
            Volatile.Write(ref _servicePrefixes, prefixes);
            _packets?.SetServicePrefixes(prefixes);
        }
    }

    /// <summary>Says what devices and addresses the node has; see <see cref="NodeNetworkWatcher"/>.</summary>
    /// <param name="network">What there is.</param>
    /// <param name="isThorough">Whether to look at what was right before, too.</param>
    public void SetNetwork(NodeNetwork network, bool isThorough)
    {
        lock (_lock)
        {
            bool isAnyLost = SourcesOf(_network).Except(SourcesOf(network)).Any();
            _programTables.SetNetwork(network);
            _network = network;
            try
            {
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
            finally
            {
                // The next reading would show no difference any more.
                if (isAnyLost)
                {
                    _packets?.SourceGoes();
                }
            }
        }
    }

    /// <summary>
    /// What is done now and then, apart from changes: gives back what was removed, makes the tables that the programs write
    /// larger when they are half full, looks who their clients are, and takes away the program that counted bytes, where that is
    /// turned off, when the last connection is over that it counted.
    /// </summary>
    public void Maintain()
    {
        bool remembersClients;
        bool isEnding;
        lock (_lock)
        {
            Guard(() => _writer?.Collect());
            _packets?.Sweep(_frontends, areTablesWhole: _programs.AreAttached && !_needsEverything);
            remembersClients = _writer?.RemembersClients ?? false;
            isEnding = _programs.IsEnding;
        }

        if (isEnding && !_programTables.HasUntilClosed())
        {
            lock (_lock)
            {
                _programs.RemoveEnding();
            }
        }

        _programTables.Maintain(remembersClients);
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

    /// <summary>The sockets that are connected to a backend that serves no more what they asked, or another service.</summary>
    private List<StaleSocket> FindStaleSockets(StaleFlows stale)
    {
        // A hook that chose a backend before it left has written its record by then.
        _gracePeriods.Wait(_gracePeriods.Request());
        var rows = _programTables.FindPeers(peer =>
            peer.Protocol == (byte)Protocol.Udp && peer.Flags.HasFlag(PeerFlags.Connected) && stale.IsStale(peer.Flow, IsOfNode));

        // Services may have changed again since: what the tables say now is what hooks go by.
        lock (_lock)
        {
            rows.RemoveAll(row => Serves(row.Value.BackendId, row.Value.BackendGeneration)
                && !_frontends.HasTurned(row.Value.Flow.Asked, row.Value.Flow.AskedPort, Protocol.Udp, row.Value.Service));
        }

        return rows.ConvertAll(row => new StaleSocket(
            new UdpSocket(row.Key.Socket, row.Value.Backend.ToAddress(), row.Value.BackendPortBe), row.Value.NetworkNamespace));
    }

    private bool Serves(uint id, uint generation) =>
        id < _tables.Backends.Capacity
        && _tables.Backends.Read(id).State is var state
        && state.Generation == generation
        && state.Use.HasFlag(BackendUse.Serving);

    private bool IsOfNode(Address address) =>
        address.IsLoopback || _network.LocalAddresses.Any(local => local.Address == address);

    /// <summary>The addresses that clients may be masqueraded with.</summary>
    private static IEnumerable<Address> SourcesOf(NodeNetwork network) =>
        network.LocalAddresses.Where(local => local.IsGlobal || local.Address.Family == IpFamily.IPv4).Select(local => local.Address);

    private ServiceWriter Adopt()
    {
        var writer = ServiceWriter.Adopt(_tables, _gracePeriods, _firstGeneration);
        writer.WhenFrontendsGo(() => _packets?.FrontendGoes());
        writer.WhenFrontendsTurn(() => _packets?.FrontendTurns());

        // What a writer that failed has turned or taken away is not known, nor what nobody wrote meanwhile.
        _packets?.FrontendTurns();
        _packets?.FrontendGoes();
        writer.WhenContested(contested => Contested?.Invoke(contested));
        _roles.Adopt(writer);
        return writer;
    }
}
