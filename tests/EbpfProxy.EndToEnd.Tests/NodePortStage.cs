using System.Net;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>
/// A node with a client and the pods a and b, and services over these that are reached by a node port, an external IP and
/// a load-balancer address: "np" by IPv4, "np6" by IPv6.
/// </summary>
public sealed class NodePortStage : IDisposable
{
    public const int NodePort = 30080;
    public const int Port = 80;
    public const string Node4 = "10.244.1.1";
    public const string Node6 = "fd00:10:244:1::1";
    public const string Cluster4 = "10.96.0.50";
    public const string External4 = "192.0.2.10";
    public const string External6 = "2001:db8::10";
    public const string Balancer4 = "192.0.2.20";
    public const string Balancer6 = "2001:db8::20";

    private const int BackendPort = 8080;

    public NodePortStage()
        : this([])
    {
    }

    private NodePortStage(string[] flags)
    {
        Client = Node.AddPod("client");
        Pod[] backends = [Node.AddPod("a"), Node.AddPod("b")];
        foreach (var pod in backends)
        {
            pod.Serve($"{BackendPort}");
        }

        Write("np", Cluster4, External4, Balancer4, backends.Select(pod => pod.IPv4));
        Write("np6", "fd00:96::50", External6, Balancer6, backends.Select(pod => pod.IPv6));
        Proxy = Start(flags);
    }

    public TestNode Node { get; } = new();

    public NodeProxy Proxy { get; private set; }

    public Pod Client { get; }

    public static NodePortStage With(params string[] flags) => new(flags);

    /// <summary>A kill -9, and another daemon with these flags.</summary>
    public void Restart(params string[] flags)
    {
        Proxy.Kill();
        Proxy.Dispose();
        Proxy = Start(flags);
    }

    public void Dispose()
    {
        Node.Dispose();
        Proxy.Dispose();
    }

    private NodeProxy Start(string[] flags)
    {
        var proxy = Node.StartProxy(["--manifests", Node.Manifests.Path, .. flags]);
        MarkAsNode(Node4);
        MarkAsNode(Node6);
        return proxy;
    }

    /// <summary>Makes an address one of the node's that accept node ports and are held by a device.</summary>
    private void MarkAsNode(string address)
    {
        string[] key = [.. IPAddress.Parse(address).MapToIPv6().GetAddressBytes().Select(b => $"{b:x2}")];
        Shell.Require(
            "bpftool map update pinned \"$1\" key hex $2 value hex 14 00 00 00 00 00 00 00",
            Path.Combine(Node.BpfFileSystem, "ebpf-proxy", "tables-v1", "addresses"),
            string.Join(' ', key));
    }

    private void Write(string name, string clusterIP, string external, string balancer, IEnumerable<string> endpoints)
    {
        var service = new ManifestService(name, clusterIP, Port, BackendPort, endpoints);
        string json = service.ServiceJson()
            .Replace($"\"port\":{Port},", $"\"port\":{Port},\"nodePort\":{NodePort},", StringComparison.Ordinal)
            .Replace("\"spec\":{", $"\"spec\":{{\"type\":\"LoadBalancer\",\"externalIPs\":[\"{external}\"],", StringComparison.Ordinal);
        string status = $",\"status\":{{\"loadBalancer\":{{\"ingress\":[{{\"ip\":\"{balancer}\"}}]}}}}}}";
        Node.Manifests.WriteText(name, $"{json[..json.LastIndexOf('}')]}{status}\n---\n{service.SliceJson()}");
    }
}
