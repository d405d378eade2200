using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests;

/// <summary>The real maps and programs, in a cgroup and a BPF file system of their own.</summary>
[Collection(typeof(AloneInTheProcess))]
public sealed class ServiceDatapathTests : IDisposable
{
    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();

    public void Dispose()
    {
        Directory.Delete(Path.Combine(_bpffs.Path, "ebpf-proxy"), recursive: true);
        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Services_are_read_back_from_the_pinned_maps()
    {
        using (var datapath = Open())
        {
            Apply(datapath, Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2"), Service("none", "10.96.0.2"));
        }

        var rows = DatapathView.ReadServices(_bpffs.Path);

        Assert.Equal(["default/none:http", "default/web:http"], rows.Select(row => row.Key.ToString()));
        Assert.Equal(Verdict.Refuse, rows[0].Verdicts.Internal);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], rows[1].Backends.Select(backend => backend.Address.ToString()));
        Assert.Equal(["10.96.0.1"], rows[1].Frontends.Select(frontend => frontend.Address.ToString()));
    }

    [KernelFact]
    public void Restart_keeps_ids_and_programs_and_writes_nothing()
    {
        ServiceTables[] services = [Service("web", "10.96.0.1", "10.0.0.1"), Service("db", "10.96.0.2", "10.0.0.3")];
        uint[] links;
        using (var datapath = Open())
        {
            Apply(datapath, services);
            links = LinkIds();
        }

        var before = DatapathView.ReadServices(_bpffs.Path).Select(row => (row.Id, row.Key)).ToArray();
        using var restarted = Open();
        var result = Apply(restarted, [.. services.Reverse()]);

        Assert.Equal(0, result.Writes);
        Assert.Equal(before, DatapathView.ReadServices(_bpffs.Path).Select(row => (row.Id, row.Key)));
        Assert.Equal(links, LinkIds());
    }

    [KernelFact]
    public void Tables_are_no_part_of_the_process_between_changes_and_change_as_before()
    {
        using var datapath = Open();
        Apply(datapath, Service("web", "10.96.0.1", "10.0.0.1", "10.0.0.2"), Service("db", "10.96.0.2", "10.0.0.3"));
        int mapped = CountMappings();

        datapath.ReleaseMemory();

        Assert.Equal(mapped - 5, CountMappings());
        datapath.Apply([Change(Service("web", "10.96.0.1", "10.0.0.2"))], isComplete: false);
        datapath.ReleaseMemory();
        var rows = DatapathView.ReadServices(_bpffs.Path);
        Assert.Equal(["10.0.0.3", "10.0.0.2"], rows.SelectMany(row => row.Backends).Select(backend => backend.Address.ToString()));

        static int CountMappings() => File.ReadLines("/proc/self/maps").Count(line => line.EndsWith("anon_inode:bpf-map", StringComparison.Ordinal));
    }

    [KernelFact]
    public void Tables_grow_and_keep_every_id()
    {
        using var datapath = Open();
        Apply(datapath, Service("first", "10.96.0.1", "10.0.0.1"));
        uint id = Assert.Single(DatapathView.ReadServices(_bpffs.Path)).Id;

        // More than the tables begin with, one by one: nothing is reserved in advance.
        for (int i = 0; i < 3000; i++)
        {
            datapath.Apply(
                [Change(Service($"svc-{i}", $"10.97.{i / 250}.{i % 250}", $"10.1.{i / 250}.{i % 250}", $"10.2.{i / 250}.{i % 250}"))],
                isComplete: false);
        }

        var rows = DatapathView.ReadServices(_bpffs.Path);
        Assert.Equal(3001, rows.Count);
        Assert.Equal(id, rows.Single(row => row.Key.Service.Name == "first").Id);
        Assert.All(rows, row => Assert.Single(row.Frontends));
    }

    [KernelFact]
    public void Source_ranges_grow_match_by_longest_prefix_and_are_kept_over_a_restart()
    {
        Prefix[] ranges = [.. Enumerable.Range(0, 100).Select(i => new Prefix(Address.FromIPv4(0x0a010000u + ((uint)i << 8)), 24))];
        ServiceTables[] services = [Limited("a", "10.96.0.1", ranges), Limited("b", "10.96.0.2", [new Prefix(Address.FromIPv4(0xc0000200), 24)])];
        using (var datapath = Open())
        {
            Apply(datapath, Service("first", "10.96.0.9", "10.0.0.9"));
            Array.ForEach(services, service => datapath.Apply([Change(service)], isComplete: false));
        }

        using (var restarted = Open())
        {
            Assert.Equal(0, Apply(restarted, [Service("first", "10.96.0.9", "10.0.0.9"), .. services]).Writes);
        }

        var rows = DatapathView.ReadServices(_bpffs.Path);
        Assert.Equal(ranges, rows[0].SourceRanges);
        Assert.Equal("192.0.2.0/24", Assert.Single(rows[1].SourceRanges).ToString());
        using var map = BpfMap.OpenPinned(Path.Combine(_bpffs.Path, "ebpf-proxy", "tables-v1", "ranges"));
        var trie = new BpfHashMap<SourceRangeKey, SourceRange>(map);
        Assert.True(trie.TryGet(SourceRangeKey.From(rows[0].Id, Prefix.Of(Address.FromIPv4(0x0a016363))), out var found) && found == SourceRange.Allow);
        Assert.False(trie.TryGet(SourceRangeKey.From(rows[1].Id, Prefix.Of(Address.FromIPv4(0x0a016363))), out _));
    }

    // A device that holds a cluster IP.
    private static readonly NodeNetwork _holder = new(
        [new NodeDevice(7, "dns", 1, "dummy", 0, "", IsUp: true)],
        [new DeviceAddress(7, Address.FromIPv4(0x0a600001), 32, AddressScope.Global, IsSecondary: false, IsUsable: true)],
        []);

    [KernelFact]
    public void What_the_kernel_refuses_between_changes_is_written_with_the_next_complete_one()
    {
        using var datapath = Open();
        Apply(datapath, Service("web", "10.96.0.1", "10.0.0.1"));
        using (var addresses = BpfMap.OpenPinned(Path.Combine(_bpffs.Path, "ebpf-proxy", "tables-v1", "addresses")))
        {
            addresses.Freeze();
        }

        Assert.ThrowsAny<IOException>(() => datapath.SetNetwork(_holder, isThorough: false));
        Assert.True(datapath.NeedsEverything);

        // So many that a larger table takes the place of the one that cannot be written.
        Apply(datapath, [Service("web", "10.96.0.1", "10.0.0.1"), .. Enumerable.Range(0, 50).Select(i => Service($"svc-{i}", $"10.97.0.{i}"))]);

        Assert.False(datapath.NeedsEverything);
        var row = DatapathView.ReadServices(_bpffs.Path).Single(row => row.Key.Service.Name == "web");
        Assert.Equal(["10.96.0.1"], row.LeftToStack.Select(address => address.ToString()));
    }

    [KernelFact]
    public void Build_with_more_reasons_goes_on_counting()
    {
        Open().Dispose();
        string pin = Path.Combine(_bpffs.Path, "ebpf-proxy", "counters");
        int cpus;
        File.Delete(pin);
        using (var older = BpfMap.Create(
            new BpfMapOptions { Name = "counters", Type = BpfMapType.PerCpuArray, KeySize = 4, ValueSize = 8, MaxEntries = 3 }))
        {
            var counters = new BpfPerCpuArrayMap<ulong>(older);
            counters.Write((int)Reason.Translated, [.. Enumerable.Repeat(7ul, counters.CpuCount)]);
            cpus = counters.CpuCount;
            older.Pin(pin);
        }

        Open().Dispose();

        var sums = ReasonCounters.Read(_bpffs.Path);
        Assert.True(sums.Count > 3);
        Assert.Equal(7ul * (ulong)cpus, sums[(int)Reason.Translated]);
    }

    [KernelFact]
    public void Second_daemon_with_the_same_pins_is_refused()
    {
        using var datapath = Open();

        var error = Assert.Throws<IOException>(() => Open().Dispose());

        Assert.Contains("another ebpf-proxy is running", error.Message, StringComparison.Ordinal);
    }

    [KernelFact]
    public void Daemon_on_the_cgroup_of_another_is_refused_though_its_pins_are_elsewhere()
    {
        using var datapath = Open();
        Apply(datapath, Service("web", "10.96.0.1", "10.0.0.1"));
        using var elsewhere = new ScratchBpffs();

        var error = Assert.Throws<IOException>(() => ServiceDatapath.Open(
            new DatapathOptions { BpfFileSystem = elsewhere.Path, CgroupRoot = _cgroup.Path }, NullLogger.Instance).Dispose());

        Assert.Contains(_cgroup.Path, error.Message, StringComparison.Ordinal);
        Assert.Contains("proxy_connect4", error.Message, StringComparison.Ordinal);
        Assert.Contains("--bpffs", error.Message, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(elsewhere.Path, "ebpf-proxy"), recursive: true);
    }

    [KernelFact]
    public void Program_whose_link_cannot_be_pinned_does_not_stay_attached()
    {
        using var datapath = Open();
        string links = Path.Combine(_bpffs.Path, "ebpf-proxy", "links");
        Directory.Delete(links);
        Directory.CreateSymbolicLink(links, Path.GetTempPath());

        Assert.ThrowsAny<IOException>(() => Apply(datapath, Service("web", "10.96.0.1", "10.0.0.1")));

        Eventually.Holds(
            () => BpfCgroup.QueryPrograms(_cgroup.Path, BpfAttachType.CgroupInetSockRelease).Count == 0, TimeSpan.FromSeconds(10));
    }

    [KernelFact]
    public void Table_of_peers_grows_before_it_is_full_and_keeps_every_record()
    {
        Open(initialPeers: 8).Dispose();
        PeerKey[] keys = [.. Enumerable.Range(1, 6).Select(socket => new PeerKey((ulong)socket, 0, 0))];
        using (var small = BpfMap.OpenPinned(PeersPin))
        {
            Array.ForEach(keys, key => new BpfHashMap<PeerKey, PeerValue>(small).Update(key, new PeerValue { Service = (uint)key.Socket }));
        }

        using var datapath = Open(initialPeers: 8);
        datapath.Maintain();

        using var larger = BpfMap.OpenPinned(PeersPin);
        Assert.Equal(24u, larger.MaxEntries);
        Assert.Equal(
            keys.Select(key => (key, (uint)key.Socket)),
            new BpfHashMap<PeerKey, PeerValue>(larger).Enumerate().Select(row => (row.Key, row.Value.Service)).OrderBy(row => row.Key.Socket));
        Assert.False(File.Exists(PeersPin + "-previous"));
    }

    [KernelFact]
    public void Growth_of_peers_that_was_cut_short_loses_no_record()
    {
        Open(initialPeers: 8).Dispose();
        using (var peers = BpfMap.OpenPinned(PeersPin))
        using (var slot = BpfMap.OpenPinned(PeersPin + "_slot"))
        {
            new BpfHashMap<PeerKey, PeerValue>(peers).Update(new PeerKey(1, 0, 0), default);
            new BpfMapArray(slot).Set(1, peers);
        }

        using var datapath = Open(initialPeers: 8);
        datapath.Maintain();

        using var kept = BpfMap.OpenPinned(PeersPin);
        Assert.Single(new BpfHashMap<PeerKey, PeerValue>(kept).Enumerate());
    }

    private string PeersPin => Path.Combine(_bpffs.Path, "ebpf-proxy", "sockets-v1", "peers");

    private ServiceDatapath Open(uint initialPeers) => ServiceDatapath.Open(
        new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path, InitialPeers = initialPeers }, NullLogger.Instance);

    private ServiceDatapath Open() => ServiceDatapath.Open(
        new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path }, NullLogger.Instance);

    private static ServiceTables Limited(string name, string clusterIP, Prefix[] ranges)
    {
        var tables = Service(name, clusterIP, "10.0.0.1");
        return tables with { Ports = [tables.Ports[0] with { SourceRanges = [.. ranges] }] };
    }

    private static ServiceChange Change(ServiceTables tables) => new(tables.Name, tables);

    private static ApplyResult Apply(ServiceDatapath datapath, params ServiceTables[] services) =>
        datapath.Apply([.. services.Select(Change)], isComplete: true);

    private uint[] LinkIds() => [.. Directory.EnumerateFiles(Path.Combine(_bpffs.Path, "ebpf-proxy", "links")).Order().Select(path =>
    {
        using var link = BpfLink.OpenPinned(path);
        return link.Info.Id;
    })];
}
