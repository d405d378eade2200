using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;

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
        return Node.StartProxy(["--manifests", Node.Manifests.Path, .. flags]);
    }

    private void Write(string name, string clusterIP, string external, string balancer, IEnumerable<string> endpoints)
    {
        Node.Manifests.Write(new ManifestService(
            name,
            clusterIP,
            [new("tcp", Port, BackendPort, NodePort: NodePort), new("udp", Port, BackendPort, "UDP", NodePort)],
            [.. endpoints])
        {
            Type = "LoadBalancer",
            ExternalIPs = [external],
            LoadBalancerIPs = [balancer],
        });
    }
}
