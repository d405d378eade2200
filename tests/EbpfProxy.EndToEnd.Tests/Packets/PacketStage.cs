using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Where a backend is, as the first node sees it.</summary>
public enum Backend
{
    Near,
    Far,
    NearHost,
    FarHost,
    Foreign,
}

/// <summary>Who asks, with sockets that no program sees.</summary>
public enum Asker
{
    /// <summary>A machine on the nodes' own network.</summary>
    Outside,

    /// <summary>A machine behind routers.</summary>
    Routed,

    /// <summary>A pod of the first node.</summary>
    Sandbox,
}

/// <summary>
/// Two nodes of which the first runs the proxy, a pod on each that answers, the nodes themselves and a machine outside that
/// answer too, all on port 8080; a service of each family over each of them, and some with policies of their own.
/// </summary>
public class PacketStage : IDisposable
{
    public const int BackendPort = 8080;

    internal static readonly Service OverNear = new("near", 1);
    internal static readonly Service OverFar = new("far", 2);
    internal static readonly Service OverNearHost = new("near-host", 3);
    internal static readonly Service OverFarHost = new("far-host", 4);
    internal static readonly Service OverForeign = new("foreign", 5);
    internal static readonly Service Empty = new("empty", 6);
    internal static readonly Service Local = new("local", 7);
    internal static readonly Service LocalFar = new("local-far", 8);
    internal static readonly Service InternalFar = new("internal-far", 9);
    internal static readonly Service Ranged = new("ranged", 10);
    internal static readonly Service OverBoth = new("both", 11);

    public PacketStage()
        : this(new ClusterShape())
    {
    }

    internal PacketStage(ClusterShape shape, params string[] flags)
        : this(shape, ProxyBinary.Path, flags)
    {
    }

    /// <param name="shape">What the nodes are like.</param>
    /// <param name="binary">The binary that is run on the first node.</param>
    /// <param name="flags">What more it is started with.</param>
    protected PacketStage(ClusterShape shape, string binary, IReadOnlyList<string> flags)
    {
        Cluster = new TestCluster(shape);
        Flags = flags;
        Node.Binary = binary;
        try
        {
            Cluster.RouteServicesToFirst();
            Client = Node.AddPod("client");
            Near = Node.AddPod("near");
            Far = Cluster.Second.AddPod("far");
            Near.Serve($"{BackendPort}");
            Far.Serve($"{BackendPort}");
            Node.Host.Serve("near-host", $"{BackendPort}");
            Cluster.Second.Host.Serve("far-host", $"{BackendPort}");
            Cluster.Foreign.Serve("foreign", $"{BackendPort}");
            NodeNames = Locations();
            Node.Manifests.Write(Services());
            Proxy = StartProxy();
        }
        catch
        {
            Cluster.Dispose();
            throw;
        }
    }

    public TestCluster Cluster { get; }

    /// <summary>The node that runs the proxy, and that service addresses are sent to.</summary>
    public TestNode Node => Cluster.First;

    public NodeProxy Proxy { get; private set; }

    /// <summary>A pod of the first node that serves nothing.</summary>
    public Pod Client { get; }

    public Pod Near { get; }

    public Pod Far { get; }

    private IReadOnlyDictionary<string, string> NodeNames { get; }

    private IReadOnlyList<string> Flags { get; }

    internal Place PlaceOf(Asker asker) => asker switch
    {
        Asker.Outside => Cluster.Outside,
        Asker.Routed => Cluster.Routed.Client,
        Asker.Sandbox => Client.Sandbox,
    };

    /// <summary>An asker's own address.</summary>
    internal string AddressOf(Asker asker, int family) => asker switch
    {
        Asker.Outside => family == 4 ? "192.168.77.100" : "fd00:77::64",
        Asker.Routed => family == 4 ? "192.168.88.10" : "fd00:88::a",
        Asker.Sandbox => family == 4 ? Client.IPv4 : Client.IPv6,
    };

    /// <summary>The address of the first node that a masked packet to a backend has: that of the device it leaves by.</summary>
    internal string MaskFor(Backend backend, int family) => backend == Backend.Near && Cluster.Shape.PodLinks == PodLinks.Bridge
        ? (family == 4 ? "10.244.1.1" : "fd00:10:244:1::1")
        : backend == Backend.Far && Cluster.Shape.PodNetwork != PodNetwork.Direct
            ? (family == 4 ? "10.244.1.0" : "fd00:10:244:1::")
            : (family == 4 ? Node.IPv4 : Node.IPv6);

    internal string AddressOf(Backend backend, int family) => backend switch
    {
        Backend.Near => family == 4 ? Near.IPv4 : Near.IPv6,
        Backend.Far => family == 4 ? Far.IPv4 : Far.IPv6,
        Backend.NearHost => family == 4 ? Node.IPv4 : Node.IPv6,
        Backend.FarHost => family == 4 ? Cluster.Second.IPv4 : Cluster.Second.IPv6,
        Backend.Foreign => family == 4 ? "192.168.77.101" : "fd00:77::65",
    };

    internal static string NameOf(Backend backend) => backend switch
    {
        Backend.Near => "near/8080",
        Backend.Far => "far/8080",
        Backend.NearHost => "near-host/8080",
        Backend.FarHost => "far-host/8080",
        Backend.Foreign => "foreign/8080",
    };

    internal static Service ServiceOver(Backend backend) => backend switch
    {
        Backend.Near => OverNear,
        Backend.Far => OverFar,
        Backend.NearHost => OverNearHost,
        Backend.FarHost => OverFarHost,
        Backend.Foreign => OverForeign,
    };

    /// <summary>Address and port under which a service is asked.</summary>
    internal (string Address, int Port) Door(Service service, Frontend frontend, int family) => frontend == Frontend.NodePort
        ? (family == 4 ? Node.IPv4 : Node.IPv6, service.NodePort(family))
        : (service.Address(frontend, family), Service.Port);

    /// <summary>The manifest of one family of a service, reachable in every way.</summary>
    internal ManifestService Manifest(Service service, int family, params IEnumerable<Backend> backends) => new ManifestService(
        service.NameOf(family),
        service.Address(Frontend.ClusterIP, family),
        [
            new("tcp", Service.Port, BackendPort, "TCP", service.NodePort(family)),
            new("udp", Service.Port, BackendPort, "UDP", service.NodePort(family)),
        ],
        [.. backends.Select(backend => AddressOf(backend, family))]) with
    {
        Type = "LoadBalancer",
        ExternalIPs = [service.Address(Frontend.ExternalIP, family)],
        LoadBalancerIPs = [service.Address(Frontend.LoadBalancer, family)],
        NodeNames = NodeNames,
    };

    /// <summary>Gives one family of a service other backends.</summary>
    internal void Move(Service service, int family, params IReadOnlyList<Backend> backends)
    {
        var manifest = Manifest(service, family, backends);
        Node.Manifests.Write(manifest);
        Node.WaitForBackends(manifest);
    }

    /// <summary>Starts another daemon after the one before was killed.</summary>
    public void Restart()
    {
        Proxy.Dispose();
        Proxy = StartProxy();
    }

    /// <summary>A daemon on the second node too, for who asks that one.</summary>
    public NodeProxy StartSecondProxy() => StartProxy(Cluster.Second);

    public void Dispose()
    {
        Cluster.Dispose();
        Proxy.Dispose();
        GC.SuppressFinalize(this);
    }

    private NodeProxy StartProxy() => StartProxy(Node);

    private NodeProxy StartProxy(TestNode node) => node.StartProxy(
        [
            "--manifests", Node.Manifests.Path,
            "--node-ip", $"{node.IPv4},{node.IPv6}",
            "--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48",
            .. Flags,
        ]);

    private Dictionary<string, string> Locations()
    {
        var names = new Dictionary<string, string>();
        foreach (int family in new[] { 4, 6 })
        {
            names[AddressOf(Backend.Near, family)] = names[AddressOf(Backend.NearHost, family)] = Node.Name;
            names[AddressOf(Backend.Far, family)] = names[AddressOf(Backend.FarHost, family)] = Cluster.Second.Name;
        }

        return names;
    }

    private IEnumerable<ManifestService> Services()
    {
        foreach (int family in new[] { 4, 6 })
        {
            foreach (var backend in Enum.GetValues<Backend>())
            {
                yield return Manifest(ServiceOver(backend), family, backend);
            }

            yield return Manifest(Empty, family);
            yield return Manifest(OverBoth, family, Backend.Near, Backend.Far);
            yield return Manifest(Local, family, Backend.Near, Backend.Far) with { ExternalTrafficPolicy = "Local", HealthCheckNodePort = 32000 + family };
            yield return Manifest(LocalFar, family, Backend.Far) with { ExternalTrafficPolicy = "Local", HealthCheckNodePort = 32010 + family };
            yield return Manifest(InternalFar, family, Backend.Far) with { InternalTrafficPolicy = "Local" };
            yield return Manifest(Ranged, family, Backend.Near) with { SourceRanges = [family == 4 ? "192.168.88.0/24" : "fd00:88::/64"] };
        }
    }
}
