using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>Load balancers outside ask two nodes for the health of a service whose endpoint is on the first.</summary>
public sealed class HealthCheckNodePortTests : IDisposable
{
    private const int HealthPort = 32100;
    private const int NodePort = 30080;
    private const string Refused = "ConnectionRefused";

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    private readonly TestCluster _cluster = new();
    private readonly Pod _near;
    private NodeProxy? _first;
    private NodeProxy? _second;

    public HealthCheckNodePortTests()
    {
        _near = _cluster.First.AddPod("near");
        _near.Serve("8080");
        Service = new ManifestService("web", "10.96.0.60", [new("http", 80, 8080, NodePort: NodePort)], [_near.IPv4])
        {
            Type = "LoadBalancer",
            ExternalTrafficPolicy = "Local",
            HealthCheckNodePort = HealthPort,
            NodeNames = new Dictionary<string, string> { [_near.IPv4] = _cluster.First.Name },
        };
    }

    private ManifestService Service { get; }

    public void Dispose()
    {
        _first?.Dispose();
        _second?.Dispose();
        _cluster.Dispose();
    }

    [KernelFact]
    public void LB_21_Only_the_node_with_an_endpoint_passes()
    {
        StartBoth(Service);

        string pass = Ask(_cluster.First);

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", pass, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/json\r\n", pass, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Content-Type-Options: nosniff\r\n", pass, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Load-Balancing-Endpoint-Weight: 1\r\n", pass, StringComparison.Ordinal);
        Assert.EndsWith(
            "\r\n\r\n{\n\t\"service\": {\n\t\t\"namespace\": \"default\",\n\t\t\"name\": \"web\"\n\t},\n\t\"localEndpoints\": 1,\n\t\"serviceProxyHealthy\": true\n}",
            pass,
            StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 503 Service Unavailable\r\n", Ask(_cluster.Second), StringComparison.Ordinal);
        Assert.Contains("\"localEndpoints\": 0,", Ask(_cluster.Second), StringComparison.Ordinal);
    }

    [KernelFact]
    public void LB_20_The_port_is_closed_when_the_type_has_changed()
    {
        StartBoth(Service);
        Assert.StartsWith("HTTP/1.1 200", Ask(_cluster.First), StringComparison.Ordinal);

        Write(Service with { Type = "ClusterIP", HealthCheckNodePort = 0, Ports = [new("http", 80, 8080)] });

        EventuallyAsk(_cluster.First, Refused);
        EventuallyAsk(_cluster.Second, Refused);
    }

    [KernelFact]
    public void SVC_37_Only_terminating_endpoints_fail_while_the_node_port_answers()
    {
        StartBoth(Service);
        EventuallyAsk(_cluster.First, "HTTP/1.1 200");

        string terminating = Service.SliceJson().Replace(
            "\"ready\":true,\"serving\":true,\"terminating\":false", "\"ready\":false,\"serving\":true,\"terminating\":true", StringComparison.Ordinal);
        _cluster.First.Manifests.WriteText("web", $"{Service.ServiceJson()}\n---\n{terminating}");

        EventuallyAsk(_cluster.First, "HTTP/1.1 503");
        Assert.All(_cluster.Outside.Ask("tcp4", _cluster.First.IPv4, NodePort), answer => Assert.Equal("near/8080", answer.Name));
    }

    [KernelFact]
    public void SVC_48_The_port_follows_the_policy_and_comes_back()
    {
        StartBoth(Service);
        EventuallyAsk(_cluster.First, "HTTP/1.1 200");
        EventuallyAsk(_cluster.Second, "HTTP/1.1 503");

        Write(Service with { ExternalTrafficPolicy = "Cluster", HealthCheckNodePort = 0 });
        EventuallyAsk(_cluster.First, Refused);
        EventuallyAsk(_cluster.Second, Refused);

        Write(Service);
        EventuallyAsk(_cluster.First, "HTTP/1.1 200");
        EventuallyAsk(_cluster.Second, "HTTP/1.1 503");
    }

    [KernelFact]
    public void SY_14_A_daemon_that_is_gone_lets_load_balancers_turn_away_and_the_next_one_calls_them_back()
    {
        StartBoth(Service);
        EventuallyAsk(_cluster.First, "HTTP/1.1 200");

        _first!.Kill();
        EventuallyAsk(_cluster.First, Refused);
        Assert.All(_cluster.Outside.Ask("tcp4", _cluster.First.IPv4, NodePort), answer => Assert.Equal("near/8080", answer.Name));
        _first.Dispose();
        _first = _cluster.First.StartProxy();

        EventuallyAsk(_cluster.First, "HTTP/1.1 200");
    }

    [KernelFact]
    public void Only_the_addresses_of_node_ports_are_listened_on_as_they_come_and_go()
    {
        _cluster.First.Manifests.Write(Service);
        _first = _cluster.First.StartProxy("--manifests", _cluster.First.Manifests.Path, "--nodeport-addresses", "192.168.77.0/24");
        EventuallyAsk(_cluster.First, "HTTP/1.1 200");
        Assert.Contains(Refused, Ask("10.244.1.1"), StringComparison.Ordinal);

        Shell.Require("ip -n \"$1\" addr add 192.168.77.201/24 dev uplink", _cluster.First.Network.Name);
        Eventually.Holds(() => Ask("192.168.77.201").StartsWith("HTTP/1.1 200", StringComparison.Ordinal), _deadline);
    }

    [KernelFact]
    public void A_port_that_a_process_of_the_node_holds_is_had_when_it_is_free()
    {
        using (_cluster.First.HiddenHost.Serve("holder", $"{HealthPort}"))
        {
            StartBoth(Service);
            _first!.WaitForLog(line => line.Contains($"healthCheckNodePort {HealthPort} of default/web", StringComparison.Ordinal));
        }

        EventuallyAsk(_cluster.First, "HTTP/1.1 200");
    }

    private void StartBoth(ManifestService service)
    {
        Write(service);
        _first = _cluster.First.StartProxy();
        _second = _cluster.Second.StartProxy();
    }

    private void Write(ManifestService service)
    {
        _cluster.First.Manifests.Write(service);
        _cluster.Second.Manifests.Write(service);
    }

    private void EventuallyAsk(TestNode node, string expected) =>
        Eventually.Holds(() => Ask(node).Contains(expected, StringComparison.Ordinal), _deadline);

    private string Ask(TestNode node) => Ask(node.IPv4);

    /// <summary>What a load balancer outside is answered, or why it is not.</summary>
    private string Ask(string address)
    {
        try
        {
            return RawHttp.Get(_cluster.Outside, address, HealthPort, "/healthz");
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }
}
