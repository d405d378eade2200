using EbpfProxy.EndToEnd.Tests.Packets;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.Scenarios.Check;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>Services that keep traffic on its node.</summary>
public sealed class TrafficPolicyTests(ScenarioStage stage) : IClassFixture<ScenarioStage>
{
    private const int Rounds = 5;

    [KernelFact]
    public void SVC_33_Pods_of_the_endpoints_node_alone_reach_it_under_the_internal_policy_Local()
    {
        stage.SkipBefore(22);
        var service = new ScenarioService("svc33", 33, stage.Endpoint("a1")) { InternalTrafficPolicy = "Local" };
        stage.Apply(service);
        service.IsUp([stage.Client(stage.First).Place], "a1");

        foreach (int family in service.Families)
        {
            var door = (service.ClusterIP(family), 80);
            for (int round = 0; round < Rounds; round++)
            {
                Assert.All([stage.Client(stage.First).Place, stage.Sandboxed(stage.First)], place => Reaches(place, "tcp", door, ["a1"]));
            }

            Soon(() => Assert.All(
                [stage.Client(stage.Second).Place, stage.Sandboxed(stage.Second), stage.Client(stage.Third).Place], place => IsSilent(place, "tcp", door)));
        }
    }

    [KernelFact]
    public void SVC_34_Processes_of_the_endpoints_node_alone_reach_it_under_the_internal_policy_Local()
    {
        stage.SkipBefore(22);
        var service = new ScenarioService("svc34", 34, stage.Endpoint("a1")) { InternalTrafficPolicy = "Local" };
        stage.Apply(service);
        service.IsUp([stage.First.Host, stage.First.HiddenHost], "a1");

        foreach (int family in service.Families)
        {
            var door = (service.ClusterIP(family), 80);
            Soon(() => Assert.All([stage.Second.Host, stage.Second.HiddenHost, stage.Third.Host], place => IsSilent(place, "tcp", door)));
        }
    }

    [KernelFact]
    public void SVC_35_Process_of_a_node_as_endpoint_is_reached_from_its_node_only()
    {
        stage.SkipBefore(22);
        var service = new ScenarioService("svc35", 35, ScenarioEndpoint.Of(stage.First)) { InternalTrafficPolicy = "Local" };
        stage.Apply(service);
        service.IsUp(stage.Places(stage.First), "host1");

        foreach (int family in service.Families)
        {
            Soon(() => Assert.All(stage.Places(stage.Second), place => IsSilent(place, "tcp", (service.ClusterIP(family), 80))));
        }
    }

    [KernelFact]
    public void SVC_36_Client_on_another_node_is_seen_itself_at_a_node_port_under_the_external_policy_Local()
    {
        var service = new ScenarioService("svc36", 36, stage.Endpoint("a1")) { ExternalTrafficPolicy = "Local" }.AsNodePort(30036);
        stage.Apply(service);
        service.IsUp(stage.Places(stage.First), "a1");

        foreach (int family in service.Families)
        {
            Soon(() => Assert.All(stage.Second.Host.Ask(Expect.Row("tcp", family), stage.First.AddressOf(family), 30036), answer =>
            {
                Assert.Equal("a1/8080", answer.Name);
                Assert.StartsWith(Expect.Seen(stage.Second.AddressOf(family)), answer.Client, StringComparison.Ordinal);
            }));
        }
    }

    [KernelFact]
    public void SVC_48_Node_port_under_the_external_policy_Local_answers_on_the_endpoints_node_and_to_a_node_itself()
    {
        var service = new ScenarioService("svc48", 48, stage.Endpoint("a1")) { ExternalTrafficPolicy = "Local" }.AsNodePort(30048);
        var cluster = service with { ExternalTrafficPolicy = "Cluster" };

        foreach (var state in new[] { service, cluster, service })
        {
            stage.Apply(state);
            foreach (int family in service.Families)
            {
                Soon(() =>
                {
                    Reaches(stage.Second.Host, "tcp", (stage.First.AddressOf(family), 30048), ["a1"]);
                    Reaches(stage.Second.Host, "tcp", (stage.Second.AddressOf(family), 30048), ["a1"]);
                    var third = (stage.Third.AddressOf(family), 30048);
                    if (state == cluster)
                    {
                        Reaches(stage.Second.Host, "tcp", third, ["a1"]);
                    }
                    else
                    {
                        IsSilent(stage.Second.Host, "tcp", third);
                    }
                });
            }
        }
    }
}
