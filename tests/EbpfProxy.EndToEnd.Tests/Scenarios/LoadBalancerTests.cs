using EbpfProxy.EndToEnd.Tests.Packets;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.Scenarios.Check;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>Load-balancer addresses that are routed to the first node.</summary>
public sealed class LoadBalancerTests(ScenarioStage stage) : IClassFixture<ScenarioStage>
{
    private static readonly string[] _pods = ["a1", "a2", "b1", "b2"];

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void LB_01_02_Type_ports_and_endpoints_change(string protocol)
    {
        int number = protocol == "tcp" ? 1 : 2;
        var service = New($"lb{number}", number, "a2");
        var cluster = service with { Type = "ClusterIP" };
        var balancer = service with { Ports = Ports(30000 + number) };
        void IsAnswered(int port) => Soon(() => Assert.All(service.Families, family => Reaches(stage.Cluster.Outside, protocol, (service.Balancer(family), port), ["a2"])));
        void IsClosed(int port) => Soon(() => Assert.All(service.Families, family => IsUnanswered(stage.Cluster.Outside, protocol, (service.Balancer(family), port))));

        stage.Apply(cluster);
        IsClosed(80);
        stage.Apply(balancer);
        IsAnswered(80);
        stage.Apply(balancer with { Ports = [.. Ports(30100 + number).Select(port => port with { Port = 81 })] });
        IsAnswered(81);
        IsClosed(80);
        stage.Apply(balancer with { Endpoints = [] });
        IsClosed(80);
        stage.Apply(balancer);
        IsAnswered(80);
        stage.Apply(cluster);

        IsClosed(80);
        service.IsUp(stage.Pods, "a2");
    }

    [KernelFact]
    public void LB_03_Source_ranges_let_in_whom_they_name()
    {
        var service = New("lb03", 3, "a1", "a2");
        Pod[] accepted = [stage.Client(stage.First), stage.Pod("sandbox1")];
        Place[] inside = [accepted[0].Place, accepted[1].Sandbox];
        Place[] dropped = [stage.Client(stage.Second).Place, stage.Sandboxed(stage.Second), stage.Cluster.Outside, stage.Cluster.Routed.Client];
        void Apply(params string[] ranges) => stage.Apply(service with { SourceRanges = ranges });
        void Answers(params Place[] places) => Soon(() => Assert.All(places, place => Assert.All(
            service.Families, family => Reaches(place, "tcp", (service.Balancer(family), 80), ["a1", "a2"]))));
        void Silent(params Place[] places) => Soon(() => Assert.All(places, place => Assert.All(
            service.Families, family => IsSilent(place, "tcp", (service.Balancer(family), 80)))));

        Apply();
        Answers([.. inside, .. dropped]);
        Apply([.. accepted.SelectMany(pod => new[] { $"{pod.IPv4}/32", $"{pod.IPv6}/128" }), $"{stage.First.IPv4}/32", $"{stage.First.IPv6}/128"]);
        Silent(dropped);
        Answers([.. inside, stage.First.Host]);
        Apply("0.0.0.0/0", "::/0");
        Answers([.. inside, .. dropped]);
        Apply("192.0.2.0/24", "2001:db8::/32");
        Silent([.. inside, .. dropped]);
        Apply();

        Answers([.. inside, .. dropped]);
    }

    [KernelTheory]
    [InlineData("Cluster", "a1", "a2", "b1", "b2")]
    [InlineData("Local", "a1", "b1")]
    public void LB_04_to_07_Client_outside_stays_while_the_service_has_affinity(string policy, params string[] pods)
    {
        var service = New(policy == "Local" ? "lb06" : "lb04", policy == "Local" ? 6 : 4, pods) with { ExternalTrafficPolicy = policy };
        var sticky = service with { SessionAffinity = "ClientIP" };
        void IsAnsweredBy(int count) => Soon(() => Assert.All(service.Families, family =>
            Assert.Equal(count, stage.Cluster.Outside.Spread("tcp", service.Balancer(family), 80, 15 * pods.Length).Count)));

        stage.Apply(sticky);
        IsAnsweredBy(1);
        stage.Apply(service);
        IsAnsweredBy(pods.Length);
        stage.Apply(sticky);
        IsAnsweredBy(1);
    }

    [KernelFact]
    public void LB_09_Load_balancer_needs_no_node_port()
    {
        var service = New("lb09", 9, "a1", "a2");
        stage.Apply(service);
        Soon(() => Assert.All(service.Families, family => Reaches(stage.Cluster.Outside, "tcp", (service.Balancer(family), 80), ["a1", "a2"])));

        stage.Apply(service with { Ports = Ports(30009) });

        Soon(() => Assert.All(service.Families, family => Reaches(stage.Cluster.Outside, "tcp", (stage.Second.AddressOf(family), 30009), ["a1", "a2"])));
        Assert.All(service.Families, family => Reaches(stage.Cluster.Outside, "tcp", (service.Balancer(family), 80), ["a1", "a2"]));
    }

    [KernelTheory]
    [InlineData("a1", "a2")]
    [InlineData("a2", "a1")]
    public void LB_10_Datagrams_of_a_client_follow_to_another_node(string first, string second) => Follow(New("lb10", 10, first), second);

    [KernelTheory]
    [InlineData("a1", "b1")]
    [InlineData("a2", "b2")]
    public void LB_11_Datagrams_of_a_client_follow_to_another_pod_of_the_node(string first, string second) => Follow(New("lb11", 11, first), second);

    [KernelTheory]
    [InlineData("Cluster")]
    [InlineData("Local")]
    public void LB_12_13_Rolling_update_fails_no_connection(string policy)
    {
        // Under Local the endpoints are those of the node that the address is routed to.
        string[] old = policy == "Local" ? ["a1"] : ["a1", "a2"], fresh = policy == "Local" ? ["b1"] : ["b1", "b2"];
        var service = New(policy == "Local" ? "lb13" : "lb12", policy == "Local" ? 13 : 12, old) with { ExternalTrafficPolicy = policy };
        stage.Apply(service);
        Soon(() => Assert.All(service.Families, family => Reaches(stage.Cluster.Outside, "tcp", (service.Balancer(family), 80), old)));
        using var load = stage.Cluster.Outside.Load("tcp", (service.Balancer(4), 80, ""), (service.Balancer(6), 80, ""));
        load.WaitForMore(100);

        foreach (var (leaves, comes) in old.Zip(fresh))
        {
            ScenarioEndpoint[] others = [.. service.Endpoints.Where(endpoint => endpoint != stage.Endpoint(leaves))];
            stage.Apply(service.With([.. others, stage.Endpoint(leaves), stage.Endpoint(comes)]));
            load.WaitForMore(100);
            stage.Apply(service.With([.. others, stage.Endpoint(leaves, EndpointState.Draining), stage.Endpoint(comes)]));
            load.WaitForMore(100);
            service = service.With([.. others, stage.Endpoint(comes)]);
            stage.Apply(service);
        }

        Soon(() => Reaches(stage.Cluster.Outside, "tcp", (service.Balancer(4), 80), fresh));
        load.EndWithoutFailure();
    }

    [KernelTheory]
    [InlineData("Cluster")]
    [InlineData("Local")]
    public void LB_23_Pod_reaches_the_load_balancer_and_is_seen_itself(string policy)
    {
        var service = New("lb23", 23, "a1", "a2") with { ExternalTrafficPolicy = policy };
        var client = stage.Client(stage.First);
        stage.Apply(service);

        foreach (int family in service.Families)
        {
            Soon(() => Assert.All(client.Place.Ask(Expect.Row("tcp", family), service.Balancer(family), 80), answer =>
                Assert.StartsWith(Expect.Seen(client.AddressOf(family)), answer.Client, StringComparison.Ordinal)));
            Assert.All([client.Place, stage.Sandboxed(stage.First)], place => Reaches(place, "tcp", (service.Balancer(family), 80), ["a1", "a2"]));
        }
    }

    private static ManifestPort[] Ports(int nodePort) => [new("tcp", 80, 8080, "TCP", nodePort), new("udp", 80, 8080, "UDP", nodePort)];

    private ScenarioService New(string name, int number, params string[] pods) =>
        new(name, number, [.. pods.Select(pod => stage.Endpoint(pod))]) { Type = "LoadBalancer" };

    /// <summary>A client outside with one source port reaches a pod that takes the place of the first.</summary>
    private void Follow(ScenarioService service, string second)
    {
        stage.Apply(service);
        foreach (int family in service.Families)
        {
            Soon(() => Reaches(stage.Cluster.Outside, "udp", (service.Balancer(family), 80), [PodOf(service)]));
        }

        using var ipv4 = stage.Cluster.Outside.HoldFrom(12345, "udp", service.Balancer(4), 80);
        using var ipv6 = stage.Cluster.Outside.HoldFrom(12345, "udp", service.Balancer(6), 80);
        Assert.All(new[] { ipv4, ipv6 }, held => Assert.Equal($"{PodOf(service)}/8080", held.Ask().Name));

        stage.Apply(service.With(stage.Endpoint(second)));

        Soon(() => Assert.All(new[] { ipv4, ipv6 }, held => Assert.Equal($"{second}/8080", held.Ask().Name)));
    }

    private string PodOf(ScenarioService service) => _pods.Single(pod => stage.Pod(pod).IPv4 == service.Endpoints[0].IPv4);
}
