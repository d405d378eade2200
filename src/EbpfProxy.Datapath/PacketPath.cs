using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Conntrack;
using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath;

/// <summary>
/// The programs at the node's devices, their table of devices and their connections. Opening it loads the programs that every
/// node needs and changes nothing that runs; disposing it leaves all of it as it is.
/// </summary>
internal sealed class PacketPath : IDisposable
{
    private const uint InitialDevices = 64;

    // How long it takes to go through all connections.
    private const int SweepSeconds = 10;

    private readonly TcPrograms _loaded;
    private readonly DeviceChoice _choice;
    private readonly DeviceTable _table;
    private readonly TunnelTable _tunnels;
    private readonly DevicePrograms _programs;
    private readonly LocalPorts _ports;
    private readonly ConnectionSweeper _sweeper;
    private readonly AddressHints _hints;
    private readonly FastPathSwitch _fastPath;
    private readonly ServicePrefixTable _servicePrefixes;
    private readonly ConntrackFollower? _conntrack;
    private readonly PacketOptions _options;
    private readonly ILogger _logger;

    private bool _lacksPorts;

    private PacketPath(
        TcPrograms loaded, DeviceChoice choice, DeviceTable table, TunnelTable tunnels, DevicePrograms programs, LocalPorts ports, ConnectionMaps connections,
        AddressHints hints, ConnectionSweeper sweeper, FastPathSwitch fastPath, ServicePrefixTable servicePrefixes, ConntrackFollower? conntrack,
        PacketOptions options, ILogger logger)
    {
        _conntrack = conntrack;
        _servicePrefixes = servicePrefixes;
        _sweeper = sweeper;
        _hints = hints;
        _fastPath = fastPath;
        _loaded = loaded;
        _choice = choice;
        _table = table;
        _tunnels = tunnels;
        _programs = programs;
        _ports = ports;
        _options = options;
        _logger = logger;
        Connections = connections;
    }

    private ConnectionMaps Connections { get; }

    /// <summary>How many connections there are, as last counted, and how many there is room for.</summary>
    public (int InUse, int Capacity) Fill => (_sweeper.InUse, _sweeper.Capacity);

    /// <summary>Says that frontends go; to be called before they are taken away.</summary>
    public void FrontendGoes() => _sweeper.FrontendGoes();

    /// <summary>Says that a frontend leads to another service than before, or came.</summary>
    public void FrontendTurns() => _sweeper.FrontendTurns();

    /// <summary>Says that an address of the node has gone; to be called when devices no longer have it.</summary>
    public void SourceGoes() => _sweeper.SourceGoes();

    /// <summary>Says which addresses only services have: packets to those of them that none has are dropped.</summary>
    public void SetServicePrefixes(IReadOnlyCollection<Prefix> prefixes) => _servicePrefixes.Write(prefixes);

    /// <summary>Frees connections that are over: goes through a part of the table, so that calls a second apart see all of it.</summary>
    /// <param name="frontends">What there is to ask.</param>
    /// <param name="areTablesWhole">Whether the tables have all that programs go by.</param>
    public void Sweep(FrontendRows frontends, bool areTablesWhole)
    {
        _hints.AreTablesWhole = areTablesWhole;
        _sweeper.Step((_sweeper.Capacity / SweepSeconds) + 1, frontends.Has, frontends.HasTurned, frontends.IsOfNode);
    }

    /// <inheritdoc cref="DeviceCoverage"/>
    public DeviceCoverage Devices => new(_programs.AttachedCount, _programs.Failed, _choice.Unmatched);

    /// <summary>This build's programs, as far as they are loaded. May be read from any thread.</summary>
    public IReadOnlyList<BpfProgram> Programs => _loaded.Loaded;

    /// <summary>
    /// How many packets are known to be translated by the kernel's connection tracking, and how many had no place in the
    /// table; none where programs ask it themselves.
    /// </summary>
    public (int Rows, int LeftOut) TrackedFill => _conntrack?.Fill ?? default;

    /// <summary>Follows the kernel's connection tracking where programs cannot ask it; to be run beside all else.</summary>
    public Task FollowConntrackAsync(CancellationToken token) =>
        _conntrack?.RunAsync(token) ?? Task.Delay(Timeout.Infinite, token);

    /// <summary>Whether connections go around the stack, and why or why not.</summary>
    public FastPathState FastPath => _fastPath.State;

    /// <summary>Looks anew whether connections may go around the stack, after the rules of nftables changed.</summary>
    public void LookAtRules() => _fastPath.LookAtRules();

    /// <summary>The same for what nobody tells of; to be called every second.</summary>
    public void LookAround() => _fastPath.Tick();

    /// <summary>Leaves all as it is for a time without a daemon; nothing is looked at from then on.</summary>
    public void Leave() => _fastPath.Leave();

    /// <summary>Where it is noted which ports are kept from sockets for us.</summary>
    public static string PortNotesOf(string pinRoot) => Path.Combine(pinRoot, "reserved-ports");

    /// <param name="sockets">The object of the socket programs, loaded: its tables are ours too.</param>
    /// <param name="features">What the kernel offers.</param>
    /// <param name="pins">Where pins are.</param>
    /// <param name="options">What the operator wants.</param>
    /// <param name="leavesDeviceAddresses">Whether a cluster IP that a device holds is left to the stack.</param>
    /// <param name="gracePeriods">Grace periods of the kernel.</param>
    /// <param name="tallies">What services did: connections that are over count there.</param>
    /// <param name="addresses">The table of addresses: the programs here hear of each.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="IOException">The kernel refuses the programs or maps.</exception>
    public static PacketPath Open(
        BpfObject sockets,
        KernelFeatures features,
        PinLayout pins,
        PacketOptions options,
        bool leavesDeviceAddresses,
        IGracePeriods gracePeriods,
        TallyTable tallies,
        AddressTable addresses,
        ILogger logger)
    {
        uint pinned = ConnectionMapOpener.ReadCapacity(pins.Connections);
        uint capacity = pinned != 0 ? pinned : options.Connections ?? ConnectionCapacity.OfThisNode();
        var config = new TcConfig
        {
            Options = options,
            LeavesDeviceAddresses = leavesDeviceAddresses,
            FlowSecret = ConnectionMapOpener.ReadSecret(pins.Connections),
            FlowHomes = capacity,
        };
        var bpf = TcObject.Open(TcObject.Read(), features, config, LinkHeader.Ethernet);
        try
        {
            var tables = new TableOpener(bpf, pins.Tables);
            var connections = new ConnectionMapOpener(bpf, pins.Connections);
            TcObject.ShareMaps(bpf, sockets);
            using (var hintsBefore = pins.Tables.TryOpenMap(TableNames.AddressHints))
            {
                if (hintsBefore is not null)
                {
                    bpf.GetMap(TableNames.AddressHints).Reuse(hintsBefore);
                }
            }

            tables.Prepare(TableNames.Devices, InitialDevices);
            connections.Prepare(capacity, config.FlowSecret);
            if (!features.HasConntrackLookup)
            {
                bpf.GetMap(TableNames.Tracked).MaxEntries = capacity;
            }

            bpf.Load();
            tables.Pin();
            connections.Pin();
            pins.Tables.Replace(TableNames.AddressHints, bpf.GetMap(TableNames.AddressHints).Map);
            Log.ConnectionsOpened(logger, capacity, connections.HasAdopted ? "taken over" : "new");
            var devicePins = new DevicePins(pins.Links.Path);
            var choice = new DeviceChoice(new DeviceSelection(options.Devices), () => DeviceHookView.ReadHeld(devicePins), logger);
            var table = new DeviceTable(tables.OpenHash<uint, DeviceValue>(TableNames.Devices, gracePeriods), options.LocalTraffic.Devices);
            var loaded = new TcPrograms(bpf, () => TcObject.Open(TcObject.Read(), features, config, LinkHeader.None), TimeProvider.System);
            var programs = new DevicePrograms(DeviceAttachers.Choose(devicePins, options.UsesClsact), loaded.Get, logger);
            var maps = connections.Open();
            var hints = new AddressHints(bpf.GetMap(TableNames.AddressHints).Map);
            addresses.TellIn(hints);
            var sweeper = new ConnectionSweeper(
                maps, hints, gracePeriods, config.Timeouts, options.MasqueradePorts, TimeProvider.System, connection => tallies.Close(connection));
            sweeper.Adopt();
            var fastPath = new FastPathSwitch(maps.State, options.FastPath, TimeProvider.System, logger);
            var servicePrefixes = new ServicePrefixTable(bpf.GetMap(TableNames.ServicePrefixes).Map, gracePeriods, logger);
            var conntrack = features.HasConntrackLookup
                ? null
                : new ConntrackFollower(new TrackedTable(bpf.GetMap(TableNames.Tracked).Map, TimeProvider.System), TimeProvider.System, logger);
            return new PacketPath(
                loaded, choice, table, new TunnelTable(bpf.GetMap(TableNames.Tunnels).Map, logger), programs, new LocalPorts(PortNotesOf(pins.Root.Path)), maps, hints,
                sweeper, fastPath, servicePrefixes, conntrack, options, logger);
        }
        catch
        {
            bpf.Dispose();
            throw;
        }
    }

    /// <summary>Puts the programs on every device, or in the place of those of an earlier run.</summary>
    /// <exception cref="IOException">The ports to masquerade with cannot be had. What a device refuses is no error.</exception>
    public void Attach(NodeNetwork network)
    {
        string reserved = _ports.Reserve(_options.MasqueradePorts);
        if (reserved.Length > 0)
        {
            Log.PortsReserved(_logger, reserved);
        }

        _conntrack?.Start();
        Update(network, isThorough: true);

        // Until now the programs of an earlier run had the addresses of its last day.
        SourceGoes();
        Volatile.Write(ref Connections.State[0].IsHandedBack, 0);
    }

    /// <summary>Follows the node where programs of an earlier run still are, and this build's are not yet.</summary>
    public void Follow(NodeNetwork network) => _fastPath.SetDevices(network, _choice.Of(network));

    /// <summary>Follows the node: a device has its row before its programs, and loses it after them.</summary>
    public void Update(NodeNetwork network, bool isThorough)
    {
        var devices = _choice.Of(network);
        _table.Write(network, devices);
        _tunnels.Write(network);
        _fastPath.SetDevices(network, devices);
        _programs.Update(devices, isThorough);
        _table.RemoveOthers(devices);
        _choice.Confirm();
        if (isThorough)
        {
            KeepPorts();
        }
    }

    private void KeepPorts()
    {
        try
        {
            if (!_ports.AreKept())
            {
                Log.PortsReservedAgain(_logger, _ports.Reserve(_options.MasqueradePorts));
            }

            _lacksPorts = false;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (!_lacksPorts)
            {
                Log.PortsNotReserved(_logger, error.Message);
            }

            _lacksPorts = true;
        }
    }

    public void Dispose()
    {
        _conntrack?.Dispose();
        _fastPath.Dispose();
        _programs.Dispose();
        _hints.Dispose();
        Connections.Dispose();
        _loaded.Dispose();
    }
}
