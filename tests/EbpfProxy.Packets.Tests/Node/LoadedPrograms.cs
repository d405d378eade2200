using System.Runtime.InteropServices;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>The programs of bpf/tc.bpf.c in the kernel, with their maps and the writer that fills them.</summary>
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

    public LoadedPrograms(NodeSettings settings, string pins)
    {
        byte[] elf = settings.Object is { } file ? File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, file)) : ReadObject();
        Object = BpfObject.Open(elf, "packets");
        Configure(settings);
        var tables = new TableOpener(Object, new PinFolder(pins));
        foreach (string name in _tables)
        {
            tables.Prepare(name, 1024);
        }

        Object.GetMap(TableNames.Tracked).MaxEntries = settings.Connections;
        Object.GetMap("connections").MaxEntries = settings.Connections;
        Object.GetMap("free_connections").MaxEntries = settings.Connections;
        Object.GetMap("unanswered").MaxEntries = settings.Connections;
        Object.GetMap("flows").MaxEntries = 4 * settings.Connections;
        Object.Load();
        tables.Pin();
        Tables = new TableSet(
            tables.OpenHash<AddressKey, AddressInfo>(TableNames.Addresses, _gracePeriods),
            tables.OpenHash<FrontendKey, FrontendValue>(TableNames.Frontends, _gracePeriods),
            tables.OpenArray<ServiceValue>(TableNames.Services),
            tables.OpenArray<uint>(TableNames.Sets),
            tables.OpenArray<BackendValue>(TableNames.Backends),
            tables.OpenArray<ServiceName>(TableNames.Names),
            tables.OpenTallies(),
            tables.OpenHash<SourceRangeKey, SourceRange>(TableNames.Ranges, _gracePeriods));
        Writer = ServiceWriter.Adopt(Tables, _gracePeriods, firstGeneration: 1);
        Flows = new BpfHashMap<FlowKey, FlowWord>(Object.GetMap("flows").Map);
        Connections = new BpfArrayMap<ConnectionValue>(Object.GetMap("connections").Map);
        Affinity = new BpfHashMap<AffinityKey, AffinityValue>(Object.GetMap(TableNames.Affinity).Map);
        Tracked = new BpfHashMap<FlowKey, TrackedValue>(Object.GetMap(TableNames.Tracked).Map);
        Devices = new BpfHashMap<uint, DeviceValue>(Object.GetMap("devices").Map);
        ServicePrefixes = new ServicePrefixTable(Object.GetMap(TableNames.ServicePrefixes).Map, _gracePeriods, NullLogger.Instance);
        Counters = new BpfPerCpuArrayMap<ulong>(Object.GetMap(TableNames.Counters).Map);
    }

    public BpfObject Object { get; }

    public TableSet Tables { get; }

    public ServiceWriter Writer { get; }

    public BpfHashMap<FlowKey, FlowWord> Flows { get; }

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
        foreach (var (key, _) in Flows.Enumerate().ToArray())
        {
            Flows.TryDelete(key);
        }

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

    public void Dispose()
    {
        Object.Dispose();
        _gracePeriods.Dispose();
    }

    private static byte[] ReadObject()
    {
        using var stream = typeof(ServiceDatapath).Assembly.GetManifestResourceStream("tc.bpf.o")!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static PrefixValue ValueOf(Prefix? prefix) =>
        prefix is { } known ? new PrefixValue(AddressKey.From(known.Address), (uint)known.MappedLength) : default;

    private void Configure(NodeSettings settings)
    {
        bool tellsByPrefix = settings.PodsV4 is not null || settings.PodsV6 is not null;
        Object.SetGlobal("local_detection", settings.TellsPodsByDevice ? ByDevice : tellsByPrefix ? ByPrefix : (byte)0);
        Object.SetGlobal("local_ipv4", ValueOf(settings.PodsV4));
        Object.SetGlobal("local_ipv6", ValueOf(settings.PodsV6));
        Object.SetGlobal("masquerade_all", settings.MasqueradesAll);
        Object.SetGlobal("preserve_client", settings.PreservesClient);
        Object.SetGlobal("source_port_first", settings.FirstSourcePort);
        Object.SetGlobal("source_port_count", settings.SourcePorts);
        Object.SetGlobal("timeouts", settings.Timeouts);
        Object.SetGlobal("refusals_per_second", settings.RefusalsPerSecond);
        Object.SetGlobal("conntrack_is_followed", settings.FollowsConntrack);
        Object.SetGlobal("have_coarse_time", Environment.OSVersion.Version >= _coarseTime);
        Object.SetGlobal("have_csum_ipv6", Environment.OSVersion.Version >= _checksumOfV6);
    }

    /// <summary>Mirrors <c>struct fragment_key</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private readonly record struct FragmentKey(AddressKey Source, AddressKey Destination, uint IdBe, byte Protocol, byte Hook, ushort Reserved);
}
