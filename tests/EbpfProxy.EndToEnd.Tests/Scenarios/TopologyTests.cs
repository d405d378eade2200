using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>Traffic that stays near, as far as the controllers' hints say so. Each node is a zone of its own, unless a test says otherwise.</summary>
public sealed class TopologyTests : IClassFixture<ScenarioStage>
{
    private readonly ScenarioStage _stage;

    public TopologyTests(ScenarioStage stage)
    {
        _stage = stage;
        foreach (var node in stage.Cluster.Nodes)
        {
            stage.PutInZone(node, $"zone-{node.Number}");
        }
    }

    [KernelFact]
    public void TD_01_03_Clients_stay_in_their_zone_and_a_zone_without_endpoints_reaches_all()
    {
        var service = new ScenarioService("td01", 1, InZone("a1", "zone-1"), InZone("a2", "zone-2"));

        _stage.Apply(service);

        service.IsUp(_stage.Places(_stage.First), "a1");
        service.IsUp(_stage.Places(_stage.Second), "a2");
        service.IsUp(_stage.Places(_stage.Third), "a1", "a2");
    }

    [KernelFact]
    public void TD_02_04_Nodes_of_one_zone_share_its_endpoints()
    {
        _stage.PutInZone(_stage.Third, "zone-2");
        var service = new ScenarioService("td02", 2, InZone("a1", "zone-1"), InZone("b1", "zone-1"), InZone("a2", "zone-2"));

        _stage.Apply(service);
        service.IsUp(_stage.Places(_stage.First), "a1", "b1");
        service.IsUp(_stage.Places(_stage.Second), "a2");
        service.IsUp(_stage.Places(_stage.Third), "a2");
        _stage.PutInZone(_stage.Third, "zone-3");

        service.IsUp(_stage.Places(_stage.Third), "a1", "b1", "a2");
    }

    [KernelFact]
    public void TD_05_Clients_stay_on_their_node_or_else_in_their_zone()
    {
        _stage.PutInZone(_stage.Second, "zone-1");
        var service = new ScenarioService("td05", 5, OnNode("a1", "zone-1"), OnNode("b1", "zone-1"));

        _stage.Apply(service);

        service.IsUp(_stage.Places(_stage.First), "a1", "b1");
        service.IsUp(_stage.Places(_stage.Second), "a1", "b1");
        service.IsUp(_stage.Places(_stage.Third), "a1", "b1");
        _stage.Apply(service.With(OnNode("a1", "zone-1"), OnNode("a2", "zone-1"), OnNode("a3", "zone-3")));
        service.IsUp(_stage.Places(_stage.First), "a1");
        service.IsUp(_stage.Places(_stage.Second), "a2");
        service.IsUp(_stage.Places(_stage.Third), "a3");
        _stage.Apply(service.With(OnNode("a1", "zone-1"), OnNode("a3", "zone-3")));
        service.IsUp(_stage.Places(_stage.Second), "a1");
        _stage.PutInZone(_stage.Second, "zone-2");
        service.IsUp(_stage.Places(_stage.Second), "a1", "a3");
    }

    [KernelFact]
    public void TD_06_Client_leaves_its_node_with_the_endpoint_and_returns_with_it()
    {
        var service = new ScenarioService("td06", 6, OnNode("a1", "zone-1"), OnNode("a2", "zone-2"));
        _stage.Apply(service);
        service.IsUp(_stage.Places(_stage.First), "a1");

        _stage.Apply(service.With(OnNode("a2", "zone-2")));
        service.IsUp(_stage.Places(_stage.First), "a2");
        _stage.Apply(service);

        service.IsUp(_stage.Places(_stage.First), "a1");
    }

    [KernelFact]
    public void TH_01_Hints_keep_each_zone_to_itself_while_every_endpoint_has_one()
    {
        var service = new ScenarioService("th01", 7, InZone("a1", "zone-1"), InZone("a2", "zone-2"), InZone("a3", "zone-3"));
        _stage.Apply(service);
        service.IsUp(_stage.Places(_stage.First), "a1");
        service.IsUp(_stage.Places(_stage.Second), "a2");
        service.IsUp(_stage.Places(_stage.Third), "a3");

        _stage.Apply(service.With(InZone("a1", "zone-1"), InZone("a2", "zone-2"), _stage.Endpoint("a3")));

        service.IsUp(_stage.Places(_stage.First), "a1", "a2", "a3");
        service.IsUp(_stage.Places(_stage.Third), "a1", "a2", "a3");
    }

    private ScenarioEndpoint InZone(string pod, string zone) => _stage.Endpoint(pod) with { Zones = [zone] };

    private ScenarioEndpoint OnNode(string pod, string zone) => InZone(pod, zone) with { Nodes = [$"node-{pod[^1]}"] };
}
