using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;
using Microsoft.Extensions.Logging.Abstractions;
using static EbpfProxy.Datapath.Tests.Sync.WriterHarness;

namespace EbpfProxy.Datapath.Tests;

/// <summary>UDP sockets that ask by connect() and by sendto(), in turn, while their backends come and go. Nobody closes any here.</summary>
public sealed class DatagramSocketTests : IDisposable
{
    private const string Web = "127.96.0.1";

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();
    private readonly ScratchNetworkNamespace _network = new();
    private readonly List<Socket> _servers = [];
    private readonly List<DatagramSocket> _clients = [];

    public DatagramSocketTests() => Shell.Require(
        "for address in fd00:96::1 fd00:b::1; do ip -n \"$1\" -6 addr add $address/128 dev lo nodad; done", _network.Name);

    public void Dispose()
    {
        _clients.ForEach(client => client.Dispose());
        _servers.ForEach(server => server.Dispose());
        string pins = Path.Combine(_bpffs.Path, "ebpf-proxy");
        if (Directory.Exists(pins))
        {
            Directory.Delete(pins, recursive: true);
        }

        _cgroup.Dispose();
        _bpffs.Dispose();
        _network.Dispose();
    }

    /// <summary>A backend's answer would not come to it: it takes what the service's address sends, by tc.</summary>
    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Socket_that_is_connected_to_the_address_itself_sends_there_by_name_too(int family)
    {
        string service = family == 4 ? Web : "fd00:96::1";
        Serve(service, port: 80);
        using var datapath = Open();
        var client = Client(family);
        Assert.Equal("connected", client.Connect(service, 80)); // before there was a service
        Apply(datapath, service, family == 4 ? "127.0.0.1" : "fd00:b::1");

        client.SendTo(service, 80);

        Assert.Equal($"{service} 80", client.Receive());
    }

    /// <summary>By its record it is found and closed.</summary>
    [KernelFact]
    public void Datagram_that_names_the_service_leaves_the_record_of_a_connection_whose_backend_left()
    {
        using var datapath = Open();
        Apply(datapath, Web, "127.0.0.1");
        var client = Client();
        client.Connect(Web, 80);
        var before = Assert.Single(ReadPeers());
        Apply(datapath, Web, "127.0.0.2");

        Assert.Equal("sent", client.SendTo(Web, 80));

        Assert.Equal(before, Assert.Single(ReadPeers()));
    }

    [KernelFact]
    public void Socket_that_connects_to_a_backend_that_left_is_no_more_the_services()
    {
        using var datapath = Open();
        Apply(datapath, Web, "127.0.0.1");
        var client = Client();
        client.Connect(Web, 80);
        Assert.Equal($"{Web} 80", client.Peer);
        Apply(datapath, Web, "127.0.0.2");
        Forget(datapath, "127.0.0.1");

        client.Connect("127.0.0.1", 8080);

        Assert.Equal("127.0.0.1 8080", client.Peer);
        Assert.Empty(ReadPeers());
    }

    [KernelFact]
    public void Record_that_is_changed_while_the_table_grows_ends_once()
    {
        using var datapath = Open();
        Apply(datapath, Web, "127.0.0.1");
        var client = Client();
        client.SendTo(Web, 80);
        using var grown = Grown("sockets-v1", "peers", capacity: 2048);

        client.SendTo("127.0.0.1", 8080); // the backend itself: the record is changed
        Assert.Equal((1UL, 0UL), Tally());
        client.Dispose();

        Assert.Equal((1UL, 1UL), Tally());
    }

    [KernelFact]
    public void Client_whose_row_finds_no_place_in_the_larger_table_of_affinity_is_remembered_on()
    {
        using var datapath = Open();
        var web = ByUdp(Service("web", Web, "127.0.0.1"));
        web = web with { Ports = [web.Ports[0] with { AffinitySeconds = 600 }] };
        datapath.Apply([new ServiceChange(web.Name, web)], isComplete: true);
        Ask();
        using var before = BpfMap.OpenPinned(PathOf("tables-v1", "affinity"));
        var rows = new BpfHashMap<AffinityKey, AffinityValue>(before);
        var (key, row) = rows.Enumerate().Single();
        rows.Update(key, row with { LastConnectionNs = row.LastConnectionNs - 300_000_000_000 });
        using var grown = Grown("tables-v1", "affinity", capacity: 1);
        new BpfHashMap<AffinityKey, AffinityValue>(grown).Update(key with { Service = 5000 }, default);

        Ask();

        Assert.True(rows.TryGet(key, out var now));
        Assert.True(now.LastConnectionNs > row.LastConnectionNs, $"{row} became {now}");

        void Ask()
        {
            var client = Client();
            client.Connect("127.0.0.1", 9); // it has an address of its own from then on
            client.Connect(Web, 80);
            client.Dispose();
        }
    }

    private DatagramSocket Client(int family = 4)
    {
        var client = new DatagramSocket(_cgroup, _network.Path, family);
        _clients.Add(client);
        return client;
    }

    /// <summary>Sends back what it gets.</summary>
    private void Serve(string address, int port) => _network.Invoke(() =>
    {
        var end = new IPEndPoint(IPAddress.Parse(address), port);
        var server = new Socket(end.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(end);
        _servers.Add(server);
        new Thread(() =>
        {
            byte[] text = new byte[64];
            try
            {
                while (true)
                {
                    EndPoint from = new IPEndPoint(end.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
                    int length = server.ReceiveFrom(text, ref from);
                    server.SendTo(text.AsSpan(0, length), from);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        })
        { IsBackground = true }.Start();
    });

    private ServiceDatapath Open() => ServiceDatapath.Open(
        new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path, InitialPeers = 1024, InitialAffinity = 16 },
        NullLogger.Instance);

    private static void Apply(ServiceDatapath datapath, string service, params string[] backends)
    {
        var web = ByUdp(Service("web", service, backends));
        var family = Address.From(IPAddress.Parse(service)).Family;
        web = web with { Ports = [web.Ports[0] with { Key = web.Ports[0].Key with { Family = family } }] };
        datapath.Apply([new ServiceChange(web.Name, web)], isComplete: true);
    }

    /// <summary>Waits until the tables have nothing of a backend that left.</summary>
    private void Forget(ServiceDatapath datapath, string backend) => Eventually.Holds(
        () =>
        {
            datapath.Maintain();
            using var addresses = BpfMap.OpenPinned(PathOf("tables-v1", "addresses"));
            return !new BpfHashMap<AddressKey, AddressInfo>(addresses).TryGet(AddressKey.From(Address.From(IPAddress.Parse(backend))), out _);
        },
        TimeSpan.FromSeconds(60));

    /// <summary>An empty table in the place of one, as the controller leaves them until it has moved the rows.</summary>
    private BpfMap Grown(string folder, string table, uint capacity)
    {
        using var before = BpfMap.OpenPinned(PathOf(folder, table));
        var larger = default(MapTypes).MakeLike(before, table, capacity);
        using var slotMap = BpfMap.OpenPinned(PathOf(folder, $"{table}_slot"));
        var slot = new BpfMapArray(slotMap);
        slot.Set(1, before);
        slot.Set(0, larger);
        return larger;
    }

    private KeyValuePair<PeerKey, PeerValue>[] ReadPeers()
    {
        using var peers = BpfMap.OpenPinned(PathOf("sockets-v1", "peers"));
        return [.. new BpfHashMap<PeerKey, PeerValue>(peers).Enumerate()];
    }

    private (ulong Opened, ulong Closed) Tally()
    {
        using var map = BpfMap.OpenPinned(PathOf("tables-v1", "tallies"));
        var tally = new BpfArrayMap<TallyValue>(map)[0];
        return (tally.Opened, tally.Closed);
    }

    private string PathOf(string folder, string table) => Path.Combine(_bpffs.Path, "ebpf-proxy", folder, table);
}
