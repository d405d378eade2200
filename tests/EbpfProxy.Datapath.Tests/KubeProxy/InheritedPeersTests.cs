using System.Net;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Tests.Conntrack;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.KubeProxy;

/// <summary>The programs come while unconnected sockets have flows that rules translated.</summary>
public sealed class InheritedPeersTests : IDisposable
{
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

    private void Ask(int sockets)
    {
        _stage.Translate("udp", "10.96.0.1");
        for (int i = 0; i < sockets; i++)
        {
            _stage.Ask("10.96.0.1");
        }

        _stage.RemoveRules();
    }

    /// <summary>How many records there are when the programs are attached.</summary>
    private int Peers(uint initialPeers)
    {
        int count = 0;
        _stage.Node.Invoke(() =>
        {
            using var datapath = ServiceDatapath.Open(
                new DatapathOptions { BpfFileSystem = _bpffs.Path, CgroupRoot = _cgroup.Path, InitialPeers = initialPeers }, SocketObject.Read(), _log);
            datapath.Apply([new ServiceChange(_talk, new ServiceTables(_talk, [Port()]))], isComplete: true);
            count = (int)ReasonCounters.Read(_bpffs.Path)[(int)Reason.PeerAdded];
        });
        return count;
    }

    private static PortTables Port() => new()
    {
        Key = new ServiceKey(_talk, "talk", Protocol.Udp, IpFamily.IPv4),
        Frontends = [new Frontend(Parse("10.96.0.1"), 80, FrontendKind.ClusterIP)],
        Backends = [new Backend(Parse(TranslatedStage.BackendAddress(4)), TranslatedStage.BackendPort, BackendUse.InClusterSet | BackendUse.Serving)],
        Verdicts = new TrafficVerdicts(Verdict.Cluster, Verdict.Cluster, Verdict.Cluster),
    };

    private static Address Parse(string address) => Address.From(IPAddress.Parse(address));
}
