using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests.Affinity;

/// <summary>The table of session affinity. The service's address is in 127.0.0.0/8: untranslated it is refused.</summary>
public sealed class AffinityTableTests : IDisposable
{
    private const uint Seconds = 600;
    private const ulong Second = 1_000_000_000;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();

    public void Dispose()
    {
        Directory.Delete(Path.Combine(_bpffs.Path, "ebpf-proxy"), recursive: true);
        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Rows_that_no_client_would_be_given_its_backend_by_are_swept()
    {
        using var datapath = Open();
        Apply(datapath, Sticky("web", "127.96.0.1", "10.0.0.1"), Service("other", "127.96.0.2", "10.0.0.2"));
        var web = BackendOf("web");
        var other = BackendOf("other");
        ulong now = Now();
        Write(
            (Key(1, web), new(web.Id, web.Generation, now)),
            (Key(2, web), new(web.Id, web.Generation, now - ((Seconds - 60) * Second))),
            (Key(3, web), new(web.Id, web.Generation, now - ((Seconds + 1) * Second))),
            (Key(4, web), new(web.Id, web.Generation + 1, now)),
            (Key(5, web), new(5000, 1, now)),
            (Key(6, other), new(other.Id, other.Generation, now)),
            (Key(7, web with { Service = 5000 }), new(web.Id, web.Generation, now)));

        datapath.Maintain();

        Assert.Equal([Key(1, web), Key(2, web)], Read().Keys.OrderBy(key => key.Client.Word3Be));
    }

    [KernelFact]
    public void Rows_of_a_backend_that_goes_are_swept()
    {
        using var datapath = Open();
        Apply(datapath, Sticky("web", "127.96.0.1", "10.0.0.1", "10.0.0.2"));
        var web = BackendOf("web");
        Write((Key(1, web), new(web.Id, web.Generation, Now())));
        Apply(datapath, Sticky("web", "127.96.0.1", "10.0.0.2"));
        datapath.Maintain();

        Assert.Empty(Read());
    }

    [KernelFact]
    public void Half_full_table_grows_and_keeps_its_rows_and_the_next_daemon_takes_them_over()
    {
        KeyValuePair<AffinityKey, AffinityValue>[] rows;
        using (var datapath = Open())
        {
            Apply(datapath, Sticky("web", "127.96.0.1", "10.0.0.1"));
            var web = BackendOf("web");
            rows = [.. Enumerable.Range(1, (int)Capacity() - 2).Select(i => KeyValuePair.Create(Key((uint)i, web), new AffinityValue(web.Id, web.Generation, Now())))];
            Write([.. rows.Select(row => (row.Key, row.Value))]);

            datapath.Maintain();

            Assert.Equal(rows.ToHashSet(), Read().ToHashSet());
            Assert.True(Capacity() >= 4 * rows.Length, $"{Capacity()} for {rows.Length}");
        }

        using var restarted = Open();
        Apply(restarted, Sticky("web", "127.96.0.1", "10.0.0.1"));
        restarted.Maintain();

        Assert.Equal(rows.ToHashSet(), Read().ToHashSet());
    }

    [KernelFact]
    public void Growth_that_a_killed_daemon_began_is_finished_by_the_next()
    {
        KeyValuePair<AffinityKey, AffinityValue> row;
        using (var datapath = Open())
        {
            Apply(datapath, Sticky("web", "127.96.0.1", "10.0.0.1"));
            var web = BackendOf("web");
            row = KeyValuePair.Create(Key(1, web), new AffinityValue(web.Id, web.Generation, Now()));
            Write((row.Key, row.Value));
        }

        using (var table = BpfMap.OpenPinned(PathOf("affinity")))
        using (var slotMap = BpfMap.OpenPinned(PathOf("affinity_slot")))
        using (var larger = default(MapTypes).MakeLike(table, "affinity", 64))
        {
            var slot = new BpfMapArray(slotMap);
            slot.Set(1, table);
            slot.Set(0, larger);
        }

        using var next = Open();
        Apply(next, Sticky("web", "127.96.0.1", "10.0.0.1"));
        next.Maintain();

        Assert.Equal([row], Read());
        Assert.Equal(64u, Capacity());
    }

    /// <summary>
    /// Each client is an address of 127.0.0.0/8 that its sockets are bound to. They come faster than a table of sixteen can
    /// grow: what does not fit is not remembered, and what was stays.
    /// </summary>
    [KernelFact]
    public void Clients_that_come_while_it_grows_keep_their_backends()
    {
        const int clients = 2000;
        using var first = new TcpListener(IPAddress.Parse("127.0.0.1"), 0);
        first.Start(512);
        ushort port = (ushort)((IPEndPoint)first.LocalEndpoint).Port;
        using var second = new TcpListener(IPAddress.Parse("127.0.0.2"), port);
        second.Start(512);
        using var datapath = Open();
        Apply(datapath, OnPort(Sticky("web", "127.96.0.1", "127.0.0.1", "127.0.0.2"), port));

        var growing = Task.Run(() => Connect(clients));
        Eventually.Holds(
            () =>
            {
                Accept(first, second);
                datapath.Maintain();
                return growing.IsCompleted;
            },
            _deadline);
        Assert.Equal("", growing.Result);
        Eventually.Holds(
            () =>
            {
                datapath.Maintain();
                return Read().Count == Count(Reason.AffinityAdded);
            },
            _deadline);
        var chosen = Read().ToDictionary(row => row.Key, row => row.Value.BackendId);
        int full = Count(Reason.AffinityFull);
        Assert.Equal(clients, chosen.Count + full);

        // Those that were not remembered are, when they come again and the table has grown by then.
        Eventually.Holds(
            () =>
            {
                var again = Task.Run(() => Connect(clients));
                Eventually.Holds(
                    () =>
                    {
                        Accept(first, second);
                        datapath.Maintain();
                        return again.IsCompleted;
                    },
                    _deadline);
                Assert.Equal("", again.Result);
                datapath.Maintain();
                return Read().Count == clients;
            },
            _deadline);
        var after = Read();
        Assert.All(chosen, row => Assert.Equal(row.Value, after[row.Key].BackendId));
        Assert.Equal(2, after.Values.Select(row => row.BackendId).Distinct().Count());
    }

    [KernelFact]
    public void Table_of_a_build_that_had_one_slot_is_made_anew()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf("affinity"))!);
        using (var rows = BpfMap.Create(new BpfMapOptions { Name = "affinity", Type = BpfMapType.Hash, KeySize = 24, ValueSize = 16, MaxEntries = 16 }))
        using (var slot = BpfMap.Create(new BpfMapOptions
        {
            Name = "affinity_slot",
            Type = BpfMapType.ArrayOfMaps,
            KeySize = 4,
            ValueSize = 4,
            MaxEntries = 1,
            InnerMap = rows,
        }))
        {
            new BpfMapArray(slot).Set(0, rows);
            rows.Pin(PathOf("affinity"));
            slot.Pin(PathOf("affinity_slot"));
        }

        using var datapath = Open();
        Apply(datapath, Sticky("web", "127.96.0.1", "10.0.0.1"));
        datapath.Maintain();

        using var now = BpfMap.OpenPinned(PathOf("affinity_slot"));
        Assert.Equal(2u, now.MaxEntries);
    }

    [KernelFact]
    public void Namespaces_are_clients_while_a_service_remembers_them()
    {
        using var network = new ScratchNetworkNamespace();
        Assert.Equal(0, network.Run("ip link set lo up && ip addr add 10.9.8.7/32 dev lo").ExitCode);
        ulong cookie = 0;
        network.Invoke(() => cookie = EbpfProxy.Datapath.Namespaces.NetworkNamespaces.ReadCookie());
        using var datapath = Open();
        Apply(datapath, Service("web", "127.96.0.1", "10.0.0.1"));
        datapath.Maintain();
        Assert.Empty(ReadClients());

        Apply(datapath, Sticky("web", "127.96.0.1", "10.0.0.1"));
        datapath.Maintain();

        Assert.Equal("10.9.8.7", ReadClients()[cookie].IPv4.ToAddress().ToString());
    }

    /// <summary>Memory may be short for one table while the others need none.</summary>
    [KernelFact]
    public void Table_of_peers_that_cannot_grow_is_told_once_and_stops_no_other()
    {
        using var network = new ScratchNetworkNamespace();
        Assert.Equal(0, network.Run("ip link set lo up && ip addr add 10.9.8.7/32 dev lo").ExitCode);
        var log = new LogLines();
        using var datapath = Open(log);
        Apply(datapath, Sticky("web", "127.96.0.1", "10.0.0.1"));
        var web = BackendOf("web");
        Write((Key(1, web), new(web.Id, web.Generation + 1, Now())));
        string pin = Path.Combine(_bpffs.Path, "ebpf-proxy", "sockets-v1", "peers");
        using (var peers = BpfMap.OpenPinned(pin))
        using (var slot = BpfMap.OpenPinned(pin + "_slot"))
        {
            Array.ForEach([.. Enumerable.Range(1, 12)], i => new BpfHashMap<PeerKey, PeerValue>(peers).Update(new PeerKey((ulong)i, 0, 0), default));
            slot.Freeze();
        }

        datapath.Maintain();
        datapath.Maintain();

        Assert.Empty(Read());
        Assert.Contains(ReadClients().Values, client => client.IPv4.ToAddress().ToString() == "10.9.8.7");
        Assert.Single(log.All, line => line.StartsWith("The table of socket peers stays at 16", StringComparison.Ordinal));
    }

    private static ulong Now() => (ulong)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    private static AffinityKey Key(uint client, in (uint Service, uint Id, uint Generation) backend) =>
        new(new AddressKey(0, 0, 0xffff0000, client << 24), backend.Service);

    private static ServiceTables Sticky(string name, string clusterIP, params string[] backends)
    {
        var tables = Service(name, clusterIP, backends);
        return tables with { Ports = [tables.Ports[0] with { AffinitySeconds = Seconds }] };
    }

    private static ServiceTables OnPort(ServiceTables tables, ushort port) =>
        tables with { Ports = [tables.Ports[0] with { Backends = [.. tables.Ports[0].Backends.Select(backend => backend with { Port = port })] }] };

    private static void Apply(ServiceDatapath datapath, params ServiceTables[] services) =>
        datapath.Apply([.. services.Select(tables => new ServiceChange(tables.Name, tables))], isComplete: true);

    private static void Accept(params TcpListener[] listeners)
    {
        foreach (var listener in listeners)
        {
            while (listener.Pending())
            {
                listener.AcceptSocket().Dispose();
            }
        }
    }

    /// <summary>One connection of each client; what failed.</summary>
    private string Connect(int clients) => _cgroup.Run(
        """
        perl -MSocket -e 'my $to = pack_sockaddr_in(80, inet_aton("127.96.0.1"));
          for my $i (1 .. $ARGV[0]) {
            socket(my $s, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
            setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0));
            bind($s, pack_sockaddr_in(0, inet_aton(sprintf("127.1.%d.%d", $i >> 8, $i & 255)))) or die "bind: $!";
            connect($s, $to) or print "connect: $!\n";
          }' "$1"
        """,
        clients.ToString(CultureInfo.InvariantCulture)).Output;

    private string PathOf(string table) => Path.Combine(_bpffs.Path, "ebpf-proxy", "tables-v1", table);

    private ServiceDatapath Open(ILogger? logger = null) => ServiceDatapath.Open(
        new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path, InitialAffinity = 16, InitialPeers = 16 },
        logger ?? NullLogger.Instance);

    /// <summary>The service of that name, and the first of its backends.</summary>
    private (uint Service, uint Id, uint Generation) BackendOf(string name)
    {
        uint service = DatapathView.ReadServices(_bpffs.Path).Single(row => row.Key.Service.Name == name).Id;
        using var map = BpfMap.OpenPinned(PathOf("backends"));
        using var backends = new BpfArrayMap<BackendValue>(map).MemoryMap();
        for (int id = 0; id < backends.Length; id++)
        {
            var backend = backends[id];
            if (backend.Service == service && backend.State.Use != BackendUse.None)
            {
                return (service, (uint)id, backend.State.Generation);
            }
        }

        throw new InvalidOperationException($"{name} has no backend");
    }

    private void Write(params (AffinityKey Key, AffinityValue Value)[] rows)
    {
        using var map = BpfMap.OpenPinned(PathOf("affinity"));
        Array.ForEach(rows, row => new BpfHashMap<AffinityKey, AffinityValue>(map).Update(row.Key, row.Value));
    }

    private Dictionary<AffinityKey, AffinityValue> Read()
    {
        using var map = BpfMap.OpenPinned(PathOf("affinity"));
        return new(new BpfHashMap<AffinityKey, AffinityValue>(map).Enumerate());
    }

    private Dictionary<ulong, ClientValue> ReadClients()
    {
        using var map = BpfMap.OpenPinned(PathOf("clients"));
        return new(new BpfHashMap<ulong, ClientValue>(map).Enumerate());
    }

    private uint Capacity()
    {
        using var map = BpfMap.OpenPinned(PathOf("affinity"));
        return map.MaxEntries;
    }

    private int Count(Reason reason) => (int)ReasonCounters.Read(_bpffs.Path)[(int)reason];
}
