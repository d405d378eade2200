using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Tests.Conntrack;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.KubeProxy;

/// <summary>The programs come while unconnected sockets have flows that rules translated.</summary>
public sealed class InheritedPeersTests : IDisposable
{
    private const int SolSocket = 1;
    private const int SoCookie = 57;
    private static readonly ObjectName _talk = new("default", "talk");

    private readonly ScratchBpffs _bpffs = new();
    private readonly ScratchCgroup _cgroup = new();
    private readonly TranslatedStage _stage = new();
    private readonly LogLines _log = new();

    public void Dispose()
    {
        _stage.Dispose();
        string root = Path.Combine(_bpffs.Path, "ebpf-proxy");
        if (Directory.Exists(root))
        {
            Directory.Delete(root, recursive: true);
        }

        _cgroup.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Sockets_keep_the_backends_that_rules_gave_them()
    {
        Ask(sockets: 2);

        Assert.Equal(2, Peers(initialPeers: 64));
        Assert.Contains("Unconnected UDP sockets keep 2 backends that kube-proxy's rules gave them", _log.All);
        Assert.DoesNotContain(_log.All, IsWarning);
    }

    [KernelFact]
    public void Those_for_which_there_is_no_room_are_told()
    {
        Ask(sockets: 3);

        Assert.Equal(1, Peers(initialPeers: 4));
        Assert.Contains(
            "Unconnected UDP sockets may get other backends than kube-proxy's rules gave them: more than 1 flows are tracked", _log.All);
    }

    /// <summary>As those have that a daemon of before served, when the node comes back from a handback.</summary>
    [KernelTheory]
    [InlineData("10.96.0.9", "10.0.0.9", "10.96.0.9 10.0.0.9, 10.96.0.1 10.0.0.1")]
    [InlineData("10.96.0.9", "10.0.0.1", "10.96.0.9 10.0.0.1 Forgotten, 10.96.0.1 10.0.0.1")]
    [InlineData("10.96.0.1", "10.0.0.9", "10.96.0.1 10.0.0.1")]
    public void Socket_that_has_a_record_of_before_inherits_beside_it(string asked, string got, string expected)
    {
        ulong cookie = CookieOf(Assert.Single(Ask(sockets: 1)));
        var before = new PeerValue
        {
            Frontend = AddressKey.From(Parse(asked)),
            Backend = AddressKey.From(Parse(got)),
            FrontendPortBe = BinaryPrimitives.ReverseEndianness((ushort)80),
            BackendPortBe = BinaryPrimitives.ReverseEndianness((ushort)TranslatedStage.BackendPort),
            Protocol = (byte)Protocol.Udp,
        };
        string records = "";

        Serve(
            initialPeers: 64,
            peers => peers.Update(new PeerKey(cookie, 0, 0), before.WithStamp(new PeerKey(cookie, 0, 0))),
            peers => records = string.Join(", ", peers.Enumerate().Where(row => row.Key.Socket == cookie).OrderBy(row => row.Key.Slot).Select(Text)));

        Assert.Equal(expected, records);

        static string Text(KeyValuePair<PeerKey, PeerValue> row)
        {
            Assert.Equal(row.Value.Stamp, row.Value.WithStamp(row.Key).Stamp);
            string flags = row.Value.Flags == PeerFlags.None ? "" : $" {row.Value.Flags}";
            return $"{row.Value.Frontend.ToAddress()} {row.Value.Backend.ToAddress()}{flags}";
        }
    }

    /// <summary>The program that removes what a closed socket had ran before there was anything.</summary>
    [KernelFact]
    public void Socket_that_is_closed_while_it_inherits_leaves_nothing()
    {
        var sockets = Ask(sockets: 2);
        _log.WhenTold = line =>
        {
            if (line == "Connection tracking knows what 2 unconnected UDP sockets asked")
            {
                sockets[0].Dispose();
            }
        };
        ulong[] left = [];
        ulong open = 0;

        Serve(
            initialPeers: 64,
            _ => { },
            peers =>
            {
                left = [.. peers.Enumerate().Select(row => row.Key.Socket)];
                open = Assert.Single(TallyView.Read(_bpffs.Path)).Open;
            });

        Assert.Equal([CookieOf(sockets[1])], left);
        Assert.Equal(1ul, open);
        Assert.Contains("Unconnected UDP sockets keep 1 backends that kube-proxy's rules gave them", _log.All);
    }

    /// <summary>It is no reason not to begin: the sockets get other backends, at worst.</summary>
    [KernelFact]
    public void Connection_tracking_that_cannot_be_read_is_told_and_stops_nothing()
    {
        Ask(sockets: 1);

        _stage.Node.Invoke(() =>
        {
            ThreadCapabilities.Drop();
            new InheritedPeers(null!, null!, null!, null!, new NetworkNamespaces(_log), _log).Take();
        });

        Assert.Contains("not permitted", Assert.Single(_log.All, IsWarning));
    }

    private static bool IsWarning(string line) => line.Contains("may get other backends", StringComparison.Ordinal);

    private Socket[] Ask(int sockets)
    {
        _stage.Translate("udp", "10.96.0.1");
        Socket[] asking = [.. Enumerable.Range(0, sockets).Select(_ => _stage.Ask("10.96.0.1"))];
        _stage.RemoveRules();
        return asking;
    }

    private static ulong CookieOf(Socket socket)
    {
        Span<byte> cookie = stackalloc byte[sizeof(ulong)];
        Assert.Equal(cookie.Length, socket.GetRawSocketOption(SolSocket, SoCookie, cookie));
        return BitConverter.ToUInt64(cookie);
    }

    /// <summary>How many records there are when the programs are attached.</summary>
    private int Peers(uint initialPeers)
    {
        int count = 0;
        Serve(initialPeers, _ => { }, _ => count = (int)ReasonCounters.Read(_bpffs.Path)[(int)Reason.PeerAdded]);
        return count;
    }

    private void Serve(uint initialPeers, Action<BpfHashMap<PeerKey, PeerValue>> before, Action<BpfHashMap<PeerKey, PeerValue>> after) =>
        _stage.Node.Invoke(() =>
        {
            using var datapath = ServiceDatapath.Open(
                new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path, InitialPeers = initialPeers }, SocketObject.Read(), _log);
            using var peers = BpfMap.OpenPinned(Path.Combine(_bpffs.Path, "ebpf-proxy", "sockets-v1", "peers"));
            before(new BpfHashMap<PeerKey, PeerValue>(peers));
            datapath.Apply([new ServiceChange(_talk, new ServiceTables(_talk, [Port()]))], isComplete: true);
            after(new BpfHashMap<PeerKey, PeerValue>(peers));
        });

    private static PortTables Port() => new()
    {
        Key = new ServiceKey(_talk, "talk", Protocol.Udp, IpFamily.IPv4),
        Frontends = [new Frontend(Parse("10.96.0.1"), 80, FrontendKind.ClusterIP)],
        Backends = [new Backend(Parse(TranslatedStage.BackendAddress(4)), TranslatedStage.BackendPort, BackendUse.InClusterSet | BackendUse.Serving)],
        Verdicts = new TrafficVerdicts(Verdict.Cluster, Verdict.Cluster, Verdict.Cluster),
    };

    private static Address Parse(string address) => Address.From(IPAddress.Parse(address));
}
