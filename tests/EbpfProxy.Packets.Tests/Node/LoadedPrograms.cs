using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Devices;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Node;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>
/// The maps of bpf/tc.bpf.c in the kernel, with the writer that fills them, and its programs: those for one kind of devices
/// are loaded when one of them is first asked for, as the kernel takes a good part of a second to verify them.
/// </summary>
internal sealed class LoadedPrograms : IDisposable
{
    private const byte ByPrefix = 1;
    private const byte ByDevice = 2;

    /// <summary>From this kernel on a checksum of IPv6 can be told from one of IPv4.</summary>
    private static readonly Version _checksumOfV6 = new(6, 16);

    /// <summary>From this kernel on programs can ask for a time that costs less.</summary>
    private static readonly Version _coarseTime = new(5, 11);

    private static readonly string[] _tables =
    [
        TableNames.Addresses, TableNames.Frontends, TableNames.Services, TableNames.Sets, TableNames.Backends, TableNames.Names,
        TableNames.Tallies, TableNames.Ranges, TableNames.Affinity, TableNames.Devices,
    ];

    private readonly GracePeriods _gracePeriods = new();
    private readonly FlowSecret _flowSecret = FlowSecret.New();
    private readonly NodeSettings _settings;
    private readonly byte[] _elf;
    private readonly List<BpfObject> _objects = [];
    private readonly Dictionary<string, BpfObjectProgram> _programs = [];

    public LoadedPrograms(NodeSettings settings, string pins)
    {
        _settings = settings;
        _elf = settings.Object is { } file ? File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, file)) : TcObject.Read();
        Object = Open();
        var tables = new TableOpener(Object, new PinFolder(pins));
        foreach (string name in _tables)
        {
            tables.Prepare(name, 1024);
        }

        Object.GetMap(TableNames.Tracked).MaxEntries = settings.Connections;
        Object.GetMap("connections").MaxEntries = settings.Connections;
        Object.GetMap("free_connections").MaxEntries = settings.Connections;
        Object.GetMap("unanswered").MaxEntries = settings.Connections;
        Object.GetMap("flows").MaxEntries = FlowTable.LengthFor(settings.Connections);
        Object.Load();
        tables.Pin();
        Hints = new AddressHints(Object.GetMap(TableNames.AddressHints).Map);
        var addresses = new AddressTable(tables.OpenHash<AddressKey, AddressInfo>(TableNames.Addresses, _gracePeriods));
        addresses.TellIn(Hints);
        Tables = new TableSet(
            addresses,
            tables.OpenHash<FrontendKey, FrontendValue>(TableNames.Frontends, _gracePeriods),
            tables.OpenArray<ServiceValue>(TableNames.Services),
            tables.OpenArray<uint>(TableNames.Sets),
            tables.OpenArray<BackendValue>(TableNames.Backends),
            tables.OpenArray<ServiceName>(TableNames.Names),
            tables.OpenTallies(),
            tables.OpenHash<SourceRangeKey, SourceRange>(TableNames.Ranges, _gracePeriods));
        Writer = ServiceWriter.Adopt(Tables, _gracePeriods, firstGeneration: 1);
        Flows = new FlowTable(Object.GetMap("flows").Map, Get(FlowTable.ChangeRowsProgram), _flowSecret);
        Connections = new BpfArrayMap<ConnectionValue>(Object.GetMap("connections").Map);
        Affinity = new BpfHashMap<AffinityKey, AffinityValue>(Object.GetMap(TableNames.Affinity).Map);
        Tracked = new BpfHashMap<FlowKey, TrackedValue>(Object.GetMap(TableNames.Tracked).Map);
        Devices = new BpfHashMap<uint, DeviceValue>(Object.GetMap("devices").Map);
        ServicePrefixes = new ServicePrefixTable(Object.GetMap(TableNames.ServicePrefixes).Map, _gracePeriods, NullLogger.Instance);
        Counters = new BpfPerCpuArrayMap<ulong>(Object.GetMap(TableNames.Counters).Map);
    }

    /// <summary>The object that has the maps, without programs.</summary>
    public BpfObject Object { get; }

    public TableSet Tables { get; }

    public AddressHints Hints { get; }

    public ServiceWriter Writer { get; }

    public FlowTable Flows { get; }

    public BpfArrayMap<ConnectionValue> Connections { get; }

    public BpfHashMap<AffinityKey, AffinityValue> Affinity { get; }

    /// <summary>What connection tracking translates, where programs cannot ask it.</summary>
    public BpfHashMap<FlowKey, TrackedValue> Tracked { get; }

    public BpfHashMap<uint, DeviceValue> Devices { get; }

    public ServicePrefixTable ServicePrefixes { get; }

    public BpfPerCpuArrayMap<ulong> Counters { get; }

    /// <summary>Forgets every flow and client, as at the first start.</summary>
    public void ForgetFlows(uint freeConnections)
    {
        Flows.Clear();
        foreach (var (key, _) in Tracked.Enumerate().ToArray())
        {
            Tracked.TryDelete(key);
        }

        foreach (var (key, _) in Affinity.Enumerate().ToArray())
        {
            Affinity.TryDelete(key);
        }

        var fragments = new BpfHashMap<FragmentKey, ulong>(Object.GetMap("fragments").Map);
        foreach (var (key, _) in fragments.Enumerate().ToArray())
        {
            fragments.TryDelete(key);
        }

        new BpfArrayMap<PathState>(Object.GetMap("path_states").Map)[0] = default;
        foreach (string name in new[] { "unanswered", "closing" })
        {
            var tokens = new BpfQueueMap<FlowWord>(Object.GetMap(name).Map);
            while (tokens.TryPop(out _))
            {
            }
        }

        var free = new BpfQueueMap<uint>(Object.GetMap("free_connections").Map);
        while (free.TryPop(out _))
        {
        }

        Connections.Write(0, new ConnectionValue[Connections.Length]);
        for (uint id = 0; id < freeConnections; id++)
        {
            Assert.True(free.TryPush(id));
        }

        var budget = new BpfPerCpuArrayMap<(ulong, ulong)>(Object.GetMap("refusal_budget").Map);
        budget.Write(0, new (ulong, ulong)[budget.CpuCount]);
    }

    /// <summary>A program of the object. May be called from any thread.</summary>
    public BpfProgram Get(string program) => GetOfObject(program).Program;

    /// <summary>What a program was loaded from: its instructions, and after them those of the functions that it calls.</summary>
    public BpfInstruction[] ReadInstructions(string program) => GetOfObject(program).Instructions.ToArray();

    public void Dispose()
    {
        Hints.Dispose();
        _objects.ForEach(loaded => loaded.Dispose());
        Object.Dispose();
        _gracePeriods.Dispose();
    }

    private static PrefixValue ValueOf(Prefix? prefix) =>
        prefix is { } known ? new PrefixValue(AddressKey.From(known.Address), (uint)known.MappedLength) : default;

    private BpfObjectProgram GetOfObject(string program)
    {
        lock (_programs)
        {
            if (!_programs.ContainsKey(program))
            {
                Load(program);
            }

            return _programs[program];
        }
    }

    /// <summary>Loads it, with what is used beside it: a test between whose packets one were loaded would wait there.</summary>
    private void Load(string program)
    {
        var pair = Enum.GetValues<LinkHeader>().Select(DeviceProgramNames.For).FirstOrDefault(names => names.Contains(program));
        string[] programs = pair?.ToArray() ?? [program];
        var bpf = Open(programs);
        _objects.Add(bpf);
        Configure(bpf, _settings);
        TcObject.ShareMaps(bpf, Object);
        bpf.Load();
        foreach (string name in programs)
        {
            var loaded = bpf.GetProgram(name);
            _ = loaded.Program; // It is opened when it is first asked for, and may be asked for by several threads.
            _programs.Add(name, loaded);
        }
    }

    /// <summary>The object with these of its programs, to be loaded.</summary>
    private BpfObject Open(params string[] programs)
    {
        var bpf = BpfObject.Open(_elf, "packets");
        TcObject.LoadOnly(bpf, programs);
        return bpf;
    }

    private void Configure(BpfObject bpf, NodeSettings settings)
    {
        bpf.SetGlobal("flow_secret", _flowSecret);
        bpf.SetGlobal("flow_homes", settings.Connections);
        bool tellsByPrefix = settings.PodsV4 is not null || settings.PodsV6 is not null;
        bpf.SetGlobal("local_detection", settings.TellsPodsByDevice ? ByDevice : tellsByPrefix ? ByPrefix : (byte)0);
        bpf.SetGlobal("local_ipv4", ValueOf(settings.PodsV4));
        bpf.SetGlobal("local_ipv6", ValueOf(settings.PodsV6));
        bpf.SetGlobal("masquerade_all", settings.MasqueradesAll);
        bpf.SetGlobal("preserve_client", settings.PreservesClient);
        bpf.SetGlobal("source_port_first", settings.FirstSourcePort);
        bpf.SetGlobal("source_port_count", settings.SourcePorts);
        bpf.SetGlobal("node_port_first", settings.FirstNodePort);
        bpf.SetGlobal("node_port_count", settings.NodePorts);
        bpf.SetGlobal("timeouts", settings.Timeouts);
        bpf.SetGlobal("refusals_per_second", settings.RefusalsPerSecond);
        bpf.SetGlobal("conntrack_is_followed", settings.FollowsConntrack);
        bpf.SetGlobal("have_coarse_time", Environment.OSVersion.Version >= _coarseTime);
        bpf.SetGlobal("have_csum_ipv6", !settings.TellsNoIPv6Sums && Environment.OSVersion.Version >= _checksumOfV6);
    }

    /// <summary>Mirrors <c>struct fragment_key</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private readonly record struct FragmentKey(AddressKey Source, AddressKey Destination, uint IdBe, byte Protocol, byte Hook, ushort Reserved);
}
