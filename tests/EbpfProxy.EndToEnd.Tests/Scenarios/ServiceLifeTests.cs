using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.Scenarios.Check;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>Services that come, change and go.</summary>
public sealed class ServiceLifeTests(ScenarioStage stage) : IClassFixture<ScenarioStage>
{
    [KernelFact]
    public void SVC_01_Basic_endpoints_come_and_go()
    {
        var service = new ScenarioService("svc01", 1);

        Apply(service);
        service.IsRefused(stage.OneOfEach);
        Apply(service.With(stage.Endpoint("a1")));
        service.IsUp(stage.Everywhere, "a1");
        Apply(service.With(stage.Endpoint("a1"), stage.Endpoint("b2")));
        service.IsUp(stage.Everywhere, "a1", "b2");
        Apply(service.With(stage.Endpoint("b2")));
        service.IsUp(stage.Everywhere, "b2");
        Apply(service);
        service.IsRefused(stage.OneOfEach);
    }

    [KernelFact]
    public void SVC_02_Each_port_leads_to_its_own_pod()
    {
        ManifestPort one = new("one", 80, 8080), two = new("two", 81, 8081);
        var service = new ScenarioService("svc02", 2)
        {
            Ports = [one, two],
            OwnSlices = [new("one", [one], stage.Endpoint("a1")), new("two", [two], stage.Endpoint("b2"))],
        };

        Apply(service);

        service.IsUp(stage.Everywhere, 80, ["a1"]);
        service.IsUp(stage.Everywhere, 81, ["b2"]);
    }

    [KernelFact]
    public void SVC_03_Ports_come_and_go()
    {
        ManifestPort one = new("one", 80, 8080), two = new("two", 81, 8081);
        var service = new ScenarioService("svc03", 3, stage.Endpoint("a1")) { Ports = [one] };
        Apply(service);
        service.IsUp(stage.Pods, 80, ["a1"]);
        service.IsRefused(stage.OneOfEach, 81);

        Apply(service with { Ports = [one, two] });
        service.IsUp(stage.Everywhere, 81, ["a1"]);
        Apply(service with { Ports = [two] });

        service.IsRefused(stage.OneOfEach, 80);
        service.IsUp(stage.Everywhere, 81, ["a1"]);
    }

    [KernelFact]
    public void SVC_06_Services_go_up_and_down_without_the_others()
    {
        var first = new ScenarioService("svc06-one", 60, stage.Endpoint("a1"), stage.Endpoint("a2"));
        var second = new ScenarioService("svc06-two", 61, stage.Endpoint("b1"), stage.Endpoint("b2"));
        var third = new ScenarioService("svc06-three", 62, stage.Endpoint("a3"));
        Apply(first);
        Apply(second);
        first.IsUp(stage.Everywhere, "a1", "a2");
        second.IsUp(stage.Everywhere, "b1", "b2");

        stage.Delete(first);
        Soon(() => Assert.All(stage.Everywhere, place => IsUnanswered(place, "tcp", (first.ClusterIP(4), 80))));
        second.IsUp(stage.Everywhere, "b1", "b2");
        Apply(third);

        third.IsUp(stage.Everywhere, "a3");
        second.IsUp(stage.Everywhere, "b1", "b2");
    }

    [KernelFact]
    public void SVC_07_Service_that_is_made_again_works_at_its_new_address()
    {
        var service = new ScenarioService("svc07", 7, stage.Endpoint("a1"), stage.Endpoint("a2"));
        Apply(service);
        service.IsUp(stage.Everywhere, "a1", "a2");

        stage.Delete(service);
        var again = service with { Number = 70 };
        Apply(again);

        again.IsUp(stage.Everywhere, "a1", "a2");
        Soon(() => Assert.All(stage.Pods, place => IsUnanswered(place, "tcp", (service.ClusterIP(4), 80))));
    }

    [KernelFact]
    public void SVC_08_Service_works_while_every_proxy_is_killed_and_started_again()
    {
        var service = new ScenarioService("svc08", 8, stage.Endpoint("a1"), stage.Endpoint("a2"));
        Apply(service);
        service.IsUp(stage.Everywhere, "a1", "a2");

        stage.KillProxies();
        service.IsUp(stage.Everywhere, "a1", "a2");
        stage.StartProxies();

        service.IsUp(stage.Everywhere, "a1", "a2");
        Apply(service.With(stage.Endpoint("b1")));
        service.IsUp(stage.Everywhere, "b1");
    }

    [KernelFact]
    public async Task SVC_09_Services_work_after_the_API_server_was_restarted()
    {
        var before = new ScenarioService("svc09-before", 90, stage.Endpoint("a1"));
        var after = new ScenarioService("svc09-after", 91, stage.Endpoint("a2"));
        Apply(before);
        before.IsUp(stage.Everywhere, "a1");

        await stage.Server.StopAsync();
        before.IsUp(stage.Everywhere, "a1");
        await stage.Server.StartAsync();
        Apply(after);

        after.IsUp(stage.Everywhere, "a2");
        before.IsUp(stage.Everywhere, "a1");
    }

    [KernelFact]
    public void SVC_12_TCP_and_UDP_share_the_number_of_a_node_port()
    {
        var service = new ScenarioService("svc12", 12, stage.Endpoint("a2")) { Ports = [new("tcp", 80, 8080, NodePort: 30012)], Type = "NodePort" };
        Apply(service);
        AtNodePorts(30012, (place, door) => Reaches(place, "tcp", door, ["a2"]));

        Apply(service with { Ports = [.. service.Ports, new("udp", 80, 8080, "UDP", NodePort: 30012)] });

        AtNodePorts(30012, (place, door) => Reaches(place, "udp", door, ["a2"]));
        AtNodePorts(30012, (place, door) => Reaches(place, "tcp", door, ["a2"]));
    }

    [KernelFact]
    public void SVC_13_ExternalName_becomes_ClusterIP()
    {
        var service = new ScenarioService("svc13", 13, stage.Endpoint("a1"));
        Apply(service with { Type = "ExternalName" });

        Apply(service);

        service.IsUp(stage.Everywhere, "a1");
    }

    [KernelFact]
    public void SVC_14_ExternalName_becomes_NodePort()
    {
        var service = new ScenarioService("svc14", 14, stage.Endpoint("a1"));
        Apply(service with { Type = "ExternalName" });

        Apply(service.AsNodePort(30014));

        service.IsUp(stage.Everywhere, "a1");
        AtNodePorts(30014, (place, door) => Reaches(place, "tcp", door, ["a1"]));
    }

    [KernelFact]
    public void SVC_15_ClusterIP_becomes_ExternalName()
    {
        var service = new ScenarioService("svc15", 15, stage.Endpoint("a1"));
        Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        Apply(service with { Type = "ExternalName" });

        Soon(() => Assert.All(stage.Everywhere, place => IsUnanswered(place, "tcp", (service.ClusterIP(4), 80))));
    }

    [KernelFact]
    public void SVC_16_NodePort_becomes_ExternalName()
    {
        var service = new ScenarioService("svc16", 16, stage.Endpoint("a1")).AsNodePort(30016);
        Apply(service);
        AtNodePorts(30016, (place, door) => Reaches(place, "tcp", door, ["a1"]));

        Apply(service with { Type = "ExternalName" });

        AtNodePorts(30016, (place, door) => Refuses(place, "tcp", door));
    }

    [KernelFact]
    public void SVC_19_Node_port_is_free_when_its_service_is_gone()
    {
        var service = new ScenarioService("svc19", 19, stage.Endpoint("a1")).AsNodePort(30019);
        Apply(service);
        AtNodePorts(30019, (place, door) => Reaches(place, "tcp", door, ["a1"]));

        stage.Delete(service);

        AtNodePorts(30019, (place, door) => Refuses(place, "tcp", door));
        Assert.Equal("", stage.First.Host.Run("ss", "-Hltn46", "sport = :30019").Output);
        using var next = stage.First.Host.Serve("next", "30019");
        Reaches(stage.Cluster.Outside, "tcp", (stage.First.IPv4, 30019), ["next"]);
    }

    [KernelFact]
    public void SVC_29_Service_of_another_proxy_is_left_alone_from_then_on_and_until_then()
    {
        var service = new ScenarioService("svc29", 29, stage.Endpoint("a1"));
        var anothers = service with { Labels = new Dictionary<string, string> { ["service.kubernetes.io/service-proxy-name"] = "another" } };
        var beside = new ScenarioService("svc29-beside", 129, stage.Endpoint("a2"));
        Apply(anothers);
        Apply(beside);
        beside.IsUp(stage.Everywhere, "a2");
        Assert.All(stage.Everywhere, place => IsUnanswered(place, "tcp", (service.ClusterIP(4), 80)));

        Apply(service);
        service.IsUp(stage.Everywhere, "a1");
        Apply(anothers);
        Soon(() => Assert.All(stage.Everywhere, place => IsUnanswered(place, "tcp", (service.ClusterIP(4), 80))));
        Apply(service);
        service.IsUp(stage.Everywhere, "a1");
    }

    [KernelFact]
    public void SVC_30_Slice_that_gets_the_label_headless_counts_no_more()
    {
        var service = new ScenarioService("svc30", 30, stage.Endpoint("a1"));
        Apply(service);
        service.IsUp(stage.Everywhere, "a1");

        Apply(service with { SliceLabels = new Dictionary<string, string> { ["service.kubernetes.io/headless"] = "" } });

        service.IsRefused(stage.OneOfEach);
    }

    [KernelFact]
    public void SVC_45_Protocols_of_one_port_number_come_and_go_apart()
    {
        ManifestPort tcp = new("tcp", 80, 8080), udp = new("udp", 80, 8080, "UDP");
        var service = new ScenarioService("svc45", 45, stage.Endpoint("a2"));
        void Answers(string protocol) => Soon(() => Assert.All(stage.Everywhere, place => Reaches(place, protocol, (service.ClusterIP(4), 80), ["a2"])));

        Apply(service with { Ports = [tcp, udp] });
        Answers("tcp");
        Answers("udp");
        Apply(service with { Ports = [tcp] });
        service.IsRefused(stage.OneOfEach, protocol: "udp");
        Answers("tcp");
        Apply(service with { Ports = [udp] });

        Answers("udp");
        service.IsRefused(stage.OneOfEach, protocol: "tcp");
    }

    [KernelFact]
    public void SVC_46_Both_protocols_of_a_load_balancers_port_are_answered_inside()
    {
        var service = new ScenarioService("svc46", 46, stage.Endpoint("a1"), stage.Endpoint("a2")) { Type = "LoadBalancer" };

        Apply(service);

        service.IsUp(stage.Everywhere, "a1", "a2");
        Assert.All(stage.Everywhere, place => Reaches(place, "udp", (service.ClusterIP(4), 80), ["a1", "a2"]));
    }

    [KernelFact]
    public void SVC_47_Service_with_SCTP_loads_no_module()
    {
        bool IsThere() => File.Exists("/proc/net/sctp/snmp");
        bool before = IsThere();
        var service = new ScenarioService("svc47", 47, stage.Endpoint("a1")) { Ports = [new("tcp", 80, 8080), new("sctp", 9000, 9000, "SCTP")] };

        Apply(service);
        service.IsUp(stage.Pods, "a1");

        Assert.Contains(stage.First.ReadServices(), row => row.Key.Service.Name == "svc47" && $"{row.Key.Protocol}" == "Sctp");
        Assert.Equal(before, IsThere());
    }

    [KernelFact]
    public void SVC_51_Port_name_that_is_another_number_in_each_pod_reaches_both()
    {
        ManifestPort old = new("http", 80, 8080), fresh = new("http", 80, 8081);
        var service = new ScenarioService("svc51", 51) { Ports = [old] };
        ScenarioSlice Old(string pod) => new($"old-{pod}", [old], stage.Endpoint(pod));
        ScenarioSlice Fresh(string pod) => new($"new-{pod}", [fresh], stage.Endpoint(pod));

        Apply(service with { OwnSlices = [Old("a1"), Old("a2")] });
        service.IsUp(stage.Everywhere, "a1", "a2");
        Apply(service with { OwnSlices = [Fresh("b1"), Old("a2")] });
        service.IsUp(stage.Everywhere, "b1", "a2");
        Apply(service with { OwnSlices = [Fresh("b1"), Fresh("b2")] });

        service.IsUp(stage.Everywhere, "b1", "b2");
    }

    private void Apply(ScenarioService service) => stage.Apply(service);

    /// <summary>Soon this holds at a node port of two nodes, asked by pods, the nodes themselves and from outside.</summary>
    private void AtNodePorts(int port, Action<Place, (string Address, int Port)> assertion) => Soon(() =>
    {
        foreach (int family in Families)
        {
            foreach (var node in new[] { stage.First, stage.Second })
            {
                Assert.All([stage.Client(stage.First).Place, node.Host, stage.Cluster.Outside], place => assertion(place, (node.AddressOf(family), port)));
            }
        }
    });
}
