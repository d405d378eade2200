using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.Scenarios.Check;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>Endpoints that are not ready, and those on their way out.</summary>
public sealed class EndpointStateTests(ScenarioStage stage) : IClassFixture<ScenarioStage>
{
    private const int Rounds = 5;

    [KernelFact]
    public void SVC_20_Unready_pods_are_reached_while_they_are_published()
    {
        var service = new ScenarioService("svc20", 20, stage.Endpoint("a1"));
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Stopped)));
        service.IsRefused(stage.OneOfEach);
        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Published)));

        service.IsUp(stage.Everywhere, "a1");
    }

    [KernelFact]
    public void SVC_21_Terminating_and_unready_pod_is_reached_if_it_is_published()
    {
        var service = new ScenarioService("svc21", 21, stage.Endpoint("a1", EndpointState.Published)).AsNodePort(30021);
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        for (int round = 0; round < Rounds; round++)
        {
            service.IsUp(stage.Pods, "a1");
            Assert.All(Doors(30021), door => Reaches(stage.Client(stage.Third).Place, "tcp", door, ["a1"]));
            Assert.All(Doors(30021), door => Reaches(stage.Cluster.Outside, "tcp", door, ["a1"]));
        }
    }

    [KernelFact]
    public void SVC_22_Terminating_and_unready_pod_is_not_reached_otherwise()
    {
        var service = new ScenarioService("svc22", 22, stage.Endpoint("a1")).AsNodePort(30022);
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Stopped)));
        service.IsRefused(stage.OneOfEach);
        Soon(() => Assert.All(Doors(30022), door => Refuses(stage.Cluster.Outside, "tcp", door)));

        for (int round = 0; round < Rounds; round++)
        {
            Refuses(stage.Client(stage.Second).Place, "tcp", (service.ClusterIP(4), 80));
            Refuses(stage.Cluster.Outside, "tcp", Doors(30022)[round % 4]);
        }
    }

    [KernelFact]
    public void SVC_31_Service_without_endpoints_refuses()
    {
        var service = new ScenarioService("svc31", 31);

        stage.Apply(service);

        service.IsRefused(stage.OneOfEach);
        service.IsRefused(stage.OneOfEach, protocol: "udp");
    }

    [KernelFact]
    public void SVC_32_Service_over_an_evicted_pod_refuses()
    {
        var service = new ScenarioService("svc32", 32, stage.Endpoint("a1"));
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Unready)));

        service.IsRefused(stage.OneOfEach);
    }

    [KernelFact]
    public void SVC_38_Terminating_endpoints_are_used_if_there_is_no_other()
    {
        var service = new ScenarioService("svc38", 38, stage.Endpoint("a1"));
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Draining), stage.Endpoint("a2", EndpointState.Stopped)));
        service.IsUp(stage.Everywhere, "a1");

        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Draining), stage.Endpoint("b2")));
        service.IsUp(stage.Everywhere, "b2");
    }

    [KernelFact]
    public void SVC_39_Terminating_endpoints_are_used_on_their_node_only_under_the_internal_policy_Local()
    {
        stage.SkipBefore(22);
        var service = new ScenarioService("svc39", 39, stage.Endpoint("a1")) { InternalTrafficPolicy = "Local" };
        stage.Apply(service);
        service.IsUp(stage.Places(stage.First), "a1");

        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Draining)));

        service.IsUp(stage.Places(stage.First), "a1");
        Soon(() => Assert.All(stage.Places(stage.Second), place => IsSilent(place, "tcp", (service.ClusterIP(4), 80))));
        Soon(() => Assert.All(stage.Places(stage.Second), place => IsSilent(place, "tcp", (service.ClusterIP(6), 80))));
    }

    [KernelFact]
    public void SVC_40_Terminating_endpoints_answer_at_every_nodes_port()
    {
        var service = new ScenarioService("svc40", 40, stage.Endpoint("a1")).AsNodePort(30040);
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Draining)));

        service.IsUp(stage.Everywhere, "a1");
        Assert.All(Doors(30040), door => Assert.All(
            [stage.Client(stage.First).Place, stage.Client(stage.Second).Place, stage.First.Host, stage.Second.Host, stage.Cluster.Outside],
            place => Reaches(place, "tcp", door, ["a1"])));
    }

    [KernelFact]
    public void SVC_41_Terminating_endpoints_answer_at_their_nodes_port_only_under_the_external_policy_Local()
    {
        var service = new ScenarioService("svc41", 41, stage.Endpoint("a1")) { ExternalTrafficPolicy = "Local" }.AsNodePort(30041);
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        stage.Apply(service.With(stage.Endpoint("a1", EndpointState.Draining)));
        service.IsUp(stage.Everywhere, "a1");

        foreach (int family in Families)
        {
            Assert.All(
                [stage.Client(stage.First).Place, stage.Client(stage.Second).Place, stage.Second.Host, stage.Cluster.Outside],
                place => Reaches(place, "tcp", (stage.First.AddressOf(family), 30041), ["a1"]));
            IsSilent(stage.First.Host, "tcp", (stage.Second.AddressOf(family), 30041));
            IsSilent(stage.Cluster.Outside, "tcp", (stage.Second.AddressOf(family), 30041));
        }
    }

    [KernelFact]
    public void PL_03_Switch_from_blue_to_green_fails_no_request()
    {
        var service = new ScenarioService("pl03", 203, stage.Endpoint("a1"), stage.Endpoint("a2"));
        stage.Apply(service);
        service.IsUp(stage.Everywhere, "a1", "a2");
        using var inside = stage.Client(stage.First).Place.Load("tcp", (service.ClusterIP(4), 80, ""));
        using var other = stage.Sandboxed(stage.Third).Load("tcp", (service.ClusterIP(6), 80, ""));
        inside.WaitForMore(100);
        other.WaitForMore(100);

        stage.Apply(service.With(stage.Endpoint("a1"), stage.Endpoint("a2"), stage.Endpoint("b1"), stage.Endpoint("b2")));
        stage.Apply(service.With(
            stage.Endpoint("a1", EndpointState.Draining), stage.Endpoint("a2", EndpointState.Draining), stage.Endpoint("b1"), stage.Endpoint("b2")));
        stage.Apply(service.With(stage.Endpoint("b1"), stage.Endpoint("b2")));

        service.IsUp(stage.Everywhere, "b1", "b2");
        inside.EndWithoutFailure();
        other.EndWithoutFailure();
    }

    /// <summary>A node port on two nodes in both families.</summary>
    private IReadOnlyList<(string Address, int Port)> Doors(int port) =>
        [.. new[] { stage.First, stage.Second }.SelectMany(node => new[] { (node.IPv4, port), (node.IPv6, port) })];
}
