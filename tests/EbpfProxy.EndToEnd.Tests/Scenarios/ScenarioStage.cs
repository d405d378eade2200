using System.Net;
using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>
/// Three nodes, all with a proxy that follows an API server on the first; on each a client with sockets, a client with packets, and the pods a and b, which answer on
/// the ports 8080 and 8081 as the node itself does. Service addresses are routed to the first node from outside.
/// </summary>
public sealed class ScenarioStage : IAsyncLifetime
{
    private const string ServerAddress = "192.168.77.1";

    /// <summary>None that the kernel picks: that may be a node port.</summary>
    private const int ServerPort = 6443;

    private readonly Dictionary<string, IReadOnlyList<string>> _slices = [];
    private readonly List<NodeProxy> _proxies = [];
    private readonly Dictionary<string, Pod> _pods = [];
    private IApiServer? _server;

    public TestCluster Cluster { get; } = new(nodes: 3);

    public TestNode First => Cluster.First;

    public TestNode Second => Cluster.Second;

    public TestNode Third => Cluster.Nodes[2];

    public IReadOnlyList<NodeProxy> Proxies => _proxies;

    internal IApiServer Server => _server!;

    /// <summary>Every kind of client inside: pods, what no program of sockets sees, and nodes themselves.</summary>
    internal IReadOnlyList<Place> Everywhere => [.. Pods, .. Hosts, First.HiddenHost, Sandboxed(Second)];

    /// <summary>One client of each kind, where asking takes its time.</summary>
    internal IReadOnlyList<Place> OneOfEach => [Client(First).Place, Sandboxed(First), First.Host];

    internal IReadOnlyList<Place> Pods => [Client(First).Place, Sandboxed(First), Client(Second).Place];

    /// <summary>With sockets that the programs see: packets of a node to its own addresses stay on loopback, which has no programs.</summary>
    internal IReadOnlyList<Place> Hosts => [First.Host, Second.Host];

    public async ValueTask InitializeAsync()
    {
        Cluster.RouteServicesToFirst();
        var address = IPAddress.Parse(ServerAddress);
        _server = RealApiServer.Assets is null
            ? await KubernetesApiServer.StartAsync(new() { Namespace = First.Network, Address = address, Port = ServerPort })
            : await RealApiServer.StartAsync(new ControlPlaneFiles(address, First.Network));
        foreach (var node in Cluster.Nodes)
        {
            PutInZone(node, $"zone-{node.Number}");
            foreach (string name in new[] { "client", "sandbox", "a", "b" })
            {
                var pod = node.AddPod($"{name}{node.Number}");
                _pods.Add(pod.Name, pod);
                pod.Serve("8080-8081");
            }

            node.Host.Serve($"host{node.Number}", "8080-8081");
        }

        StartProxies();
    }

    public async ValueTask DisposeAsync()
    {
        Cluster.Dispose();
        foreach (var proxy in _proxies)
        {
            proxy.Dispose();
        }

        await Server.DisposeAsync();
    }

    /// <summary>A pod by its name, such as a1 or client2.</summary>
    internal Pod Pod(string name) => _pods[name];

    internal Pod Client(TestNode node) => _pods[$"client{node.Number}"];

    /// <summary>
    /// A pod of the node whose sockets no program sees. It is none that has other sockets too: what they ask directly, from a
    /// port that a translated flow has just left, would be taken for that flow.
    /// </summary>
    internal Place Sandboxed(TestNode node) => _pods[$"sandbox{node.Number}"].Sandbox;

    /// <summary>Every kind of client of a node.</summary>
    internal IReadOnlyList<Place> Places(TestNode node) => [Client(node).Place, Sandboxed(node), node.Host, node.HiddenHost];

    /// <summary>The endpoint of a pod.</summary>
    internal ScenarioEndpoint Endpoint(string pod, EndpointState state = EndpointState.Ready) =>
        new(Pod(pod).IPv4, Pod(pod).IPv6, $"node-{pod[^1]}", state);

    internal void PutInZone(TestNode node, string zone) => Apply(JsonSerializer.Serialize(new
    {
        apiVersion = "v1",
        kind = "Node",
        metadata = new { name = node.Name, labels = new Dictionary<string, string> { ["topology.kubernetes.io/zone"] = zone } },
        status = new { addresses = new[] { node.IPv4, node.IPv6 }.Select(address => new { type = "InternalIP", address }) },
    }));

    /// <summary>Makes or changes a service; slices that it has no more are deleted.</summary>
    internal void Apply(ScenarioService service)
    {
        foreach (string json in service.ToObjects())
        {
            Apply(json);
        }

        DeleteSlices(service, [.. service.SliceNames()]);
    }

    internal void Delete(ScenarioService service)
    {
        Delete("Service", service.Name);
        DeleteSlices(service, []);
    }

    /// <summary>kill -9 of every proxy.</summary>
    internal void KillProxies()
    {
        foreach (var proxy in _proxies)
        {
            proxy.Kill();
            proxy.Dispose();
        }

        _proxies.Clear();
    }

    internal void StartProxies()
    {
        string path = Server.WriteKubeconfig(First.Manifests.Path);
        _proxies.AddRange(Cluster.Nodes.Select(node => new NodeProxy(node, "--kubeconfig", path, "--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48")));
        _proxies.ForEach(proxy => proxy.WaitUntilReady());
    }

    /// <summary>Skips a test that wants more than the API server knows.</summary>
    internal void SkipBefore(int minor) => Assert.SkipUnless(Server.Version >= new Version(1, minor), $"the API server is of {Server.Version}, not yet 1.{minor}");

    internal void Apply(string json) => Server.ApplyAsync(json).GetAwaiter().GetResult();

    private void Delete(string kind, string name) => Server.DeleteAsync(kind, "default", name).GetAwaiter().GetResult();

    private void DeleteSlices(ScenarioService service, IReadOnlyList<string> left)
    {
        foreach (string name in _slices.GetValueOrDefault(service.Name, []).Except(left))
        {
            Delete("EndpointSlice", name);
        }

        _slices[service.Name] = left;
    }
}
