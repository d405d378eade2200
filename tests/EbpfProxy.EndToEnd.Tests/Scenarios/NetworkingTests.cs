using EbpfProxy.EndToEnd.Tests.Packets;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.Scenarios.Check;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>
/// Who reaches what: one service over a pod on each node, by its cluster IPs and by the node ports of the nodes' addresses, of
/// both families. The second family's are those that kube-proxy's dual-stack tests ask.
/// </summary>
public sealed class NetworkingTests(ScenarioStage stage) : IClassFixture<ScenarioStage>
{
    private static readonly string[] _names = ["a1", "a2", "a3"];

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void NET_06_07_Pods_reach_every_endpoint(string protocol)
    {
        var service = Start("net06", 106, 30106);

        ReachAll(service, protocol, [.. stage.Pods, stage.Client(stage.Third).Place]);
    }

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void NET_09_10_Nodes_reach_every_endpoint(string protocol)
    {
        var service = Start("net09", 109, 30109);

        ReachAll(service, protocol, stage.Hosts);
    }

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void NET_12_13_Endpoints_reach_every_endpoint_and_themselves(string protocol)
    {
        var service = Start("net12", 112, 30112);

        ReachAll(service, protocol, [stage.Pod("a1").Place, stage.Pod("a2").Sandbox, stage.Pod("a3").Sandbox]);
    }

    [KernelFact]
    public void NET_15_Service_stays_when_another_over_the_same_pods_goes()
    {
        var one = Start("net15-one", 115, 30115);
        var two = Start("net15-two", 116, 30116);

        stage.Delete(one);

        Soon(() => Assert.All(stage.Pods, place => IsUnanswered(place, "tcp", (one.ClusterIP(4), 80))));
        ReachAll(two, "tcp", stage.Pods);
    }

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void NET_16_17_Pod_that_takes_the_place_of_another_is_reached(string protocol)
    {
        var service = Start("net16", 117, 30117);

        stage.Apply(service.With(stage.Endpoint("b1"), stage.Endpoint("a2"), stage.Endpoint("a3")));

        ReachAll(service, protocol, stage.Pods, "b1", "a2", "a3");
    }

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void NET_18_20_Node_port_of_a_deleted_service_is_silent(string protocol)
    {
        var service = Start("net18", 118, 30118);
        ReachAll(service, protocol, stage.Hosts);

        stage.Delete(service);

        Soon(() => Assert.All(NodePorts(30118), door => IsUnanswered(stage.Cluster.Outside, protocol, door)));
        Assert.All(NodePorts(30118), door => Assert.All([stage.First.Host, stage.Client(stage.Second).Place], place => IsUnanswered(place, protocol, door)));
    }

    [KernelFact]
    public void NET_19_Node_reaches_every_endpoint_at_its_node_port_by_UDP()
    {
        Start("net19", 119, 30119);

        Assert.All(NodePorts(30119), door => Assert.All([stage.First.Host, stage.Cluster.Outside], place => Reaches(place, "udp", door, _names)));
    }

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void NET_23_24_Large_requests_are_answered(string protocol)
    {
        var service = Start("net23", 123, 30123);

        foreach (int family in service.Families)
        {
            Assert.All([.. stage.Pods, .. stage.Hosts], place =>
            {
                place.Bulk(protocol, service.ClusterIP(family), 80, 2000);
                place.Bulk(protocol, stage.First.AddressOf(family), 30123, 2000);
            });
        }
    }

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void NET_25_Processes_of_nodes_are_reached_as_endpoints(string protocol)
    {
        var service = new ScenarioService("net25", 125, ScenarioEndpoint.Of(stage.First), ScenarioEndpoint.Of(stage.Second)) { Ports = Ports(30125), Type = "NodePort" };
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "host1", "host2");

        ReachAll(service, protocol, [.. stage.Pods, .. stage.Hosts], "host1", "host2");
    }

    [KernelFact]
    public void SVC_04_Address_of_a_client_pod_is_kept_to_a_cluster_IP()
    {
        var service = new ScenarioService("svc04", 104, stage.Endpoint("a1"));
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        foreach (int family in service.Families)
        {
            foreach (string name in new[] { "client1", "client2", "sandbox1", "sandbox2" })
            {
                var pod = stage.Pod(name);
                var place = name.StartsWith("client", StringComparison.Ordinal) ? pod.Place : pod.Sandbox;
                Assert.All(
                    place.Ask(Expect.Row("tcp", family), service.ClusterIP(family), 80),
                    answer => Assert.StartsWith(Expect.Seen(pod.AddressOf(family)), answer.Client, StringComparison.Ordinal));
            }
        }
    }

    [KernelFact]
    public void SVC_05_Pod_reaches_itself_through_its_service()
    {
        ScenarioService one = new("svc05-one", 105, stage.Endpoint("b1")), two = new("svc05-two", 107, stage.Endpoint("b2"));

        stage.Apply(one);
        stage.Apply(two);

        one.IsUp([stage.Pod("b1").Place], "b1");
        two.IsUp([stage.Pod("b2").Sandbox], "b2");
    }

    [KernelFact]
    public void SVC_10_Node_port_service_is_reached_in_every_way()
    {
        var service = new ScenarioService("svc10", 110, stage.Endpoint("a1"), stage.Endpoint("a2")) { Ports = Ports(30110), Type = "NodePort" };
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1", "a2");

        foreach (string protocol in new[] { "tcp", "udp" })
        {
            ReachAll(service, protocol, [.. stage.Pods, .. stage.Hosts], "a1", "a2");
            Assert.All(NodePorts(30110), door => Reaches(stage.Cluster.Routed.Client, protocol, door, ["a1", "a2"]));
        }
    }

    [KernelFact]
    public void SVC_11_External_IP_that_no_node_has_is_reached()
    {
        var service = new ScenarioService("svc11", 111, stage.Endpoint("a1"), stage.Endpoint("a2")) { ExternalIPs = ["203.0.113.250", "fd00:1b::250"] };
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1", "a2");

        Assert.All(service.ExternalIPs, address => Assert.All(
            [.. stage.Everywhere, stage.Cluster.Outside], place => Reaches(place, "tcp", (address, 80), ["a1", "a2"])));
    }

    [KernelFact]
    public void NS_01_Pods_see_each_other_as_they_are()
    {
        foreach (int family in Families)
        {
            foreach (var (from, to) in new[] { ("client1", "a1"), ("client1", "a2"), ("client3", "a1") })
            {
                Assert.All(stage.Pod(from).Place.Ask(Expect.Row("tcp", family), stage.Pod(to).AddressOf(family), 8080), answer =>
                {
                    Assert.Equal($"{to}/8080", answer.Name);
                    Assert.StartsWith(Expect.Seen(stage.Pod(from).AddressOf(family)), answer.Client, StringComparison.Ordinal);
                });
            }
        }
    }

    [KernelTheory]
    [InlineData(new[] { 4 })]
    [InlineData(new[] { 6 })]
    [InlineData(new[] { 4, 6 })]
    [InlineData(new[] { 6, 4 })]
    public void DS_05_09_Service_of_any_families_is_reached_in_just_those(int[] families)
    {
        string name = $"ds{string.Concat(families)}";
        var service = new ScenarioService(name, 200 + families[0] + families.Length, stage.Endpoint("a1"), stage.Endpoint("a2")) { Families = families };

        stage.Apply(service);

        service.IsUp(stage.Everywhere, "a1", "a2");
        Assert.All(Families.Except(families), family => Assert.All(stage.Everywhere, place => IsUnanswered(place, "tcp", (service.ClusterIP(family), 80))));
        stage.Delete(service);
    }

    private static ManifestPort[] Ports(int nodePort) => [new("tcp", 80, 8080, "TCP", nodePort), new("udp", 80, 8080, "UDP", nodePort)];

    /// <summary>A service over a pod of each node, up.</summary>
    private ScenarioService Start(string name, int number, int nodePort)
    {
        var service = new ScenarioService(name, number, stage.Endpoint("a1"), stage.Endpoint("a2"), stage.Endpoint("a3")) { Ports = Ports(nodePort), Type = "NodePort" };
        stage.Apply(service);
        service.IsUp([.. stage.Everywhere, stage.Client(stage.Third).Place], _names);
        return service;
    }

    /// <summary>Each place reaches just these endpoints in every way, at the latest after some tries.</summary>
    private void ReachAll(ScenarioService service, string protocol, IEnumerable<Place> places, params string[] names)
    {
        string[] wanted = names.Length == 0 ? _names : names;
        var doors = service.Families.Select(family => (service.ClusterIP(family), 80)).Concat(NodePorts(service.Ports[0].NodePort));
        foreach (var place in places)
        {
            Assert.All(doors, door => Soon(() => Reaches(place, protocol, door, wanted)));
        }
    }

    private IReadOnlyList<(string Address, int Port)> NodePorts(int port) =>
        [.. new[] { stage.First, stage.Second }.SelectMany(node => new[] { (node.IPv4, port), (node.IPv6, port) })];
}
