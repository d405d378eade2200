using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>
/// A node with a client and the pods a, b and c; they answer on port 8080 and on 9000 to 9099. The services are "web" over
/// the three and "empty" over none, in both families.
/// </summary>
public sealed class ServiceStage : IDisposable
{
    public const string Web4 = "10.96.0.10";
    public const string Web6 = "fd00:96::10";
    public const string Empty4 = "10.96.0.11";
    public const string Empty6 = "fd00:96::11";
    public const int Port = 80;
    public const int BackendPort = 8080;

    private readonly Pod[] _backends;

    public ServiceStage()
    {
        Node = new TestNode();
        Client = Node.AddPod("client");
        _backends = [Node.AddPod("a"), Node.AddPod("b"), Node.AddPod("c")];
        foreach (var pod in _backends)
        {
            pod.Serve($"{BackendPort}", "9000-9099");
        }

        Node.Manifests.Write(WebOver(_backends), Web6Over(_backends), new("empty", Empty4, Port, BackendPort), new("empty6", Empty6, Port, BackendPort));
        Proxy = Node.StartProxy();
    }

    public TestNode Node { get; }

    public NodeProxy Proxy { get; private set; }

    public Pod Client { get; }

    public IReadOnlyList<Pod> Backends => _backends;

    public Pod A => _backends[0];

    public static ManifestService WebOver(params IEnumerable<Pod> pods) => new("web", Web4, Port, BackendPort, pods.Select(pod => pod.IPv4));

    public static ManifestService Web6Over(params IEnumerable<Pod> pods) => new("web6", Web6, Port, BackendPort, pods.Select(pod => pod.IPv6));

    /// <summary>Starts another daemon after the one before was killed.</summary>
    public void Restart()
    {
        Proxy.Dispose();
        Proxy = Node.StartProxy();
    }

    /// <summary>Waits until the tables hold a service.</summary>
    public void WaitForService(string name, int ports = 1) => Node.WaitForService(name, row => !row.Frontends.IsEmpty, ports);

    /// <summary>Waits until a service has just these backends on each of its ports.</summary>
    public void WaitForBackends(string name, params IEnumerable<string> addresses) => Node.WaitForBackends(name, addresses);

    /// <summary>Ends everything that runs in the node, the servers too.</summary>
    public void Dispose()
    {
        Node.Dispose();
        Proxy.Dispose();
    }
}
