using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Model.Tests.Tables;

public class ServiceTablesBuilderTests
{
    public sealed record Flow(
        string Name, TrafficPolicy Internal, TrafficPolicy External, string Endpoints, string ToClusterIP, string FromOutside, string FromNear)
    {
        public override string ToString() => Name;
    }

    public static TheoryData<Flow> Flows =>
    [
        new Flow("all Cluster", default, default, "1:RL 2:Rr 3:Rr", "1 2 3", "1 2 3", "1 2 3"),
        new Flow("no endpoints", default, default, "", "Refuse", "Refuse", "Refuse"),
        new Flow("no endpoints, both Local", TrafficPolicy.Local, TrafficPolicy.Local, "", "Refuse", "Refuse", "Refuse"),
        new Flow("internal Local, one here", TrafficPolicy.Local, default, "1:RL 2:Rr", "1", "1 2", "1 2"),
        new Flow("internal Local, none here", TrafficPolicy.Local, default, "2:Rr 3:Rr", "Drop", "2 3", "2 3"),
        new Flow("external Local, one here", default, TrafficPolicy.Local, "1:RL 2:Rr", "1 2", "1", "1 2"),
        new Flow("external Local, none here", default, TrafficPolicy.Local, "2:Rr", "2", "Drop", "2"),
        new Flow("both Local, none here", TrafficPolicy.Local, TrafficPolicy.Local, "2:Rr", "Drop", "Drop", "2"),
        new Flow("both Local, one here", TrafficPolicy.Local, TrafficPolicy.Local, "1:RL 2:Rr", "1", "1", "1 2"),
        new Flow("external Local, ready beside terminating", default, TrafficPolicy.Local, "1:RL 2:RL 3:TL 4:XL 5:Rr", "1 2 5", "1 2", "1 2 5"),
        new Flow("external Local, only terminating here", default, TrafficPolicy.Local, "2:TL 3:TL 4:XL 5:Rr", "5", "2 3", "5"),
        new Flow("external Local, only terminating elsewhere", default, TrafficPolicy.Local, "5:Tr", "5", "Drop", "5"),
        new Flow("external Local, none serves", default, TrafficPolicy.Local, "5:XL 6:Xr", "Refuse", "Refuse", "Refuse"),
        new Flow("Cluster, ready beside terminating", default, default, "1:RL 2:RL 3:Tr 4:Xr 5:Rr", "1 2 5", "1 2 5", "1 2 5"),
        new Flow("Cluster, only terminating", default, default, "2:TL 3:TL 4:Xr 5:Tr", "2 3 5", "2 3 5", "2 3 5"),
        new Flow("Cluster, none serves", default, default, "5:XL 6:Xr", "Refuse", "Refuse", "Refuse"),
    ];

    [Theory]
    [MemberData(nameof(Flows))]
    public void Each_class_of_traffic_gets_what_the_policies_say(Flow flow)
    {
        var service = Samples.Service() with
        {
            Type = ServiceType.LoadBalancer,
            LoadBalancerIPs = [Samples.Ip("1.2.3.4")],
            InternalTrafficPolicy = flow.Internal,
            ExternalTrafficPolicy = flow.External,
        };

        var port = Assert.Single(Build(service, flow.Endpoints).Ports);

        Assert.Equal(flow.ToClusterIP, Show(port, port.Verdicts.Internal));
        Assert.Equal(flow.FromOutside, Show(port, port.Verdicts.External));
        Assert.Equal(flow.FromNear, Show(port, port.Verdicts.ExternalNear));
    }

    [Fact]
    public void Stale_load_balancer_addresses_of_a_ClusterIP_service_are_not_under_the_external_policy()
    {
        var service = Samples.Service() with { LoadBalancerIPs = [Samples.Ip("1.2.3.4")], ExternalTrafficPolicy = TrafficPolicy.Local };

        var port = Assert.Single(Build(service, "1:RL 2:Rr").Ports);

        Assert.Equal("1 2", Show(port, port.Verdicts.External));
    }

    [Fact]
    public void External_IPs_put_a_ClusterIP_service_under_the_external_policy()
    {
        var service = Samples.Service() with { ExternalIPs = [Samples.Ip("1.2.3.4")], ExternalTrafficPolicy = TrafficPolicy.Local };

        var port = Assert.Single(Build(service, "1:RL 2:Rr").Ports);

        Assert.Equal("1", Show(port, port.Verdicts.External));
    }

    [Fact]
    public void Services_that_are_not_proxied_have_no_ports()
    {
        Assert.Empty(Build(Samples.Service() with { ClusterIPs = [] }, "1:RL").Ports);
        Assert.Empty(Build(Samples.Service() with { Type = ServiceType.ExternalName }, "1:RL").Ports);
        Assert.Empty(Build(Samples.Service() with { HasOtherProxy = true }, "1:RL").Ports);
    }

    [Fact]
    public void Frontends_stand_by_family_whatever_the_type()
    {
        var service = Samples.Service() with
        {
            ClusterIPs = [Samples.Ip("172.30.0.41"), Samples.Ip("fd00:172::41")],
            Ports = [Samples.Http with { NodePort = 3001 }],
            ExternalIPs = [Samples.Ip("192.168.099.022"), Samples.Ip("fd00:99::22"), Samples.Ip("192.168.99.22")],
            LoadBalancerIPs = [Samples.Ip("1.2.3.004")],
        };

        var tables = ServiceTablesBuilder.Build(service, [], Samples.Node);

        Assert.Equal(2, tables.Ports.Length);
        Assert.Equal(
            ["ClusterIP 172.30.0.41:80", "LoadBalancer 1.2.3.4:80", "ExternalIP 192.168.99.22:80", "NodePort 0.0.0.0:3001"],
            tables.Ports[0].Frontends.Select(Show));
        Assert.Equal(["ClusterIP fd00:172::41:80", "ExternalIP fd00:99::22:80", "NodePort :::3001"], tables.Ports[1].Frontends.Select(Show));
    }

    [Fact]
    public void A_family_without_cluster_IP_has_no_frontends_at_all()
    {
        var service = Samples.Service() with { ExternalIPs = [Samples.Ip("fd00:99::22")], LoadBalancerIPs = [Samples.Ip("fd00:99::23")] };

        var port = Assert.Single(ServiceTablesBuilder.Build(service, [], Samples.Node).Ports);

        Assert.Equal(["ClusterIP 172.30.0.41:80"], port.Frontends.Select(Show));
    }

    [Fact]
    public void An_external_IP_that_is_a_load_balancer_address_too_stays_under_its_source_ranges()
    {
        var service = Samples.Service() with
        {
            ExternalIPs = [Samples.Ip("1.2.3.4")],
            LoadBalancerIPs = [Samples.Ip("1.2.3.4")],
            LoadBalancerSourceRanges = [Samples.Net("203.0.113.000/025")],
        };

        var port = Assert.Single(ServiceTablesBuilder.Build(service, [], Samples.Node).Ports);

        Assert.Equal(new Frontend(Samples.Ip("1.2.3.4"), 80, FrontendKind.LoadBalancer, HasSourceRanges: true), port.Frontends[1]);
        Assert.Equal(2, port.Frontends.Length);
    }

    [Theory]
    [InlineData("203.0.113.0/25", "203.0.113.0/25")]
    [InlineData("203.0.113.0/25 0.0.0.0/0", "")]
    [InlineData("203.0.113.0/25 ::/0 fd00::/8", "203.0.113.0/25")]
    [InlineData("fd00::/8", "")]
    public void Source_ranges_count_by_family_and_not_beside_an_empty_prefix(string ranges, string expected)
    {
        var service = Samples.Service() with
        {
            LoadBalancerIPs = [Samples.Ip("1.2.3.4")],
            LoadBalancerSourceRanges = [.. ranges.Split(' ').Select(Samples.Net)],
        };

        var port = Assert.Single(ServiceTablesBuilder.Build(service, [], Samples.Node).Ports);

        Assert.Equal(expected, string.Join(' ', port.SourceRanges));
        Assert.Equal(expected.Length > 0, port.Frontends[1].HasSourceRanges);
    }

    [Theory]
    [InlineData("192.0.2.0/24 198.51.100.0/24", "192.0.2.7 fd00::7", "192.0.2.0/24 198.51.100.0/24 1.2.3.4/32 5.6.7.8/32")]
    [InlineData("192.0.2.0/24 1.2.3.0/24", "192.0.2.7", "192.0.2.0/24 1.2.3.0/24 5.6.7.8/32")]
    [InlineData("192.0.2.0/24", "fd00::7 192.0.3.1 192.0.2.7", "192.0.2.0/24")]
    [InlineData("192.0.2.0/24", "", "192.0.2.0/24")]
    [InlineData("fd00::/8", "192.0.2.7", "")]
    public void Ranges_with_the_node_in_them_let_in_the_load_balancer_addresses_too(string ranges, string node, string expected)
    {
        var service = Samples.Service() with
        {
            LoadBalancerIPs = [Samples.Ip("1.2.3.4"), Samples.Ip("fd00::1"), Samples.Ip("5.6.7.8")],
            LoadBalancerSourceRanges = [.. ranges.Split(' ').Select(Samples.Net)],
        };
        var context = Samples.Node with { Addresses = [.. node.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Samples.Ip)] };

        var port = Assert.Single(ServiceTablesBuilder.Build(service, [], context).Ports);

        Assert.Equal(expected, string.Join(' ', port.SourceRanges));
    }

    [Fact]
    public void Ranges_with_the_node_in_them_let_in_the_load_balancer_address_of_ipv6_too()
    {
        var service = Samples.Service() with
        {
            ClusterIPs = [Samples.Ip("fd10::1")],
            LoadBalancerIPs = [Samples.Ip("2001:db8::1"), Samples.Ip("1.2.3.4")],
            LoadBalancerSourceRanges = [Samples.Net("fd00::/16")],
        };

        var port = Assert.Single(ServiceTablesBuilder.Build(service, [], Samples.Node with { Addresses = [Samples.Ip("fd00::7")] }).Ports);

        Assert.Equal("fd00::/16 2001:db8::1/128", string.Join(' ', port.SourceRanges));
    }

    [Fact]
    public void Backends_are_what_is_in_a_set_or_serves()
    {
        var port = Assert.Single(Build(Samples.Service(), "7:Xr 6:Ur 5:Or 4:Nr 3:TL 2:RL 1:Rr").Ports);

        Assert.Equal(
            [
                "1 Serving, InClusterSet", "2 Serving, InClusterSet, OnNode", "3 Serving, OnNode", "4 Serving", "5 Serving, InClusterSet",
            ],
            port.Backends.Select(backend => $"{(byte)backend.Address.Bits} {backend.Use}"));
    }

    [Fact]
    public void The_target_port_comes_from_each_slice()
    {
        EndpointSlice[] slices = [Samples.Slice("1:RL", "b", port: 8080), Samples.Slice("1:RL 2:RL", "a", port: 80)];

        var port = Assert.Single(ServiceTablesBuilder.Build(Samples.Service(), slices, Samples.Node).Ports);

        Assert.Equal(["10.0.1.1:80", "10.0.1.1:8080", "10.0.1.2:80"], port.Backends.Select(backend => $"{backend.Address}:{backend.Port}"));
    }

    [Theory]
    [InlineData("1:TL", "1:RL", "1:XL", BackendUse.Serving | BackendUse.InClusterSet | BackendUse.OnNode)]
    [InlineData("1:RL", "1:Rr", "1:TL", BackendUse.Serving | BackendUse.InClusterSet)]
    [InlineData("1:TL", "1:XL", "1:Tr", BackendUse.Serving | BackendUse.InClusterSet | BackendUse.OnNode)]
    public void Of_duplicates_the_last_by_slice_name_that_does_not_terminate_counts(string a, string b, string c, BackendUse expected)
    {
        EndpointSlice[] slices = [Samples.Slice(c, "c"), Samples.Slice(a, "a"), Samples.Slice(b, "b")];

        var port = Assert.Single(ServiceTablesBuilder.Build(Samples.Service(), slices, Samples.Node).Ports);

        Assert.Equal(expected, Assert.Single(port.Backends).Use);
    }

    [Fact]
    public void Ports_match_by_name_and_protocol_and_slices_by_family()
    {
        var service = Samples.Service() with
        {
            ClusterIPs = [Samples.Ip("172.30.0.41"), Samples.Ip("fd00:172::41")],
            Ports = [Samples.Http, Samples.Http with { Protocol = Protocol.Udp }, Samples.Http with { Name = "https", Port = 443 }],
        };
        EndpointSlice[] slices = [Samples.Slice("1:RL"), Samples.Slice("2:RL", "web-2", family: IpFamily.IPv6)];

        var tables = ServiceTablesBuilder.Build(service, slices, Samples.Node);

        Assert.Equal(
            ["Tcp http 10.0.1.1", "Udp http ", "Tcp https ", "Tcp http fd00::2", "Udp http ", "Tcp https "],
            tables.Ports.Select(p => $"{p.Key.Protocol} {p.Key.PortName} {string.Join(' ', p.Backends.Select(b => b.Address))}"));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(86400u)]
    public void Every_port_has_the_affinity_of_its_service(uint seconds)
    {
        var tables = Build(Samples.Service() with { AffinitySeconds = seconds }, "1:RL 2:Rr@a");

        Assert.NotEmpty(tables.Ports);
        Assert.All(tables.Ports, port => Assert.Equal(seconds, port.AffinitySeconds));
    }

    [Fact]
    public void Tables_of_equal_objects_are_equal_and_of_another_state_are_not()
    {
        var first = Build(Samples.Service(), "1:RL 2:Rr@a");

        Assert.Equal(first, Build(Samples.Service(), "2:Rr@a 1:RL"));
        Assert.NotEqual(first, Build(Samples.Service(), "1:RL 2:Tr@a"));
        Assert.NotEqual(first, Build(Samples.Service() with { AffinitySeconds = 1 }, "1:RL 2:Rr@a"));
        Assert.Equal(Samples.Slice("1:RL@a"), Samples.Slice("1:RL@a"));
        Assert.NotEqual(Samples.Slice("1:RL@a"), Samples.Slice("1:RL@b"));
    }

    private static ServiceTables Build(Service service, string endpoints) =>
        ServiceTablesBuilder.Build(service, [Samples.Slice(endpoints)], Samples.Node);

    private static string Show(Frontend frontend) => $"{frontend.Kind} {frontend.Address}:{frontend.Port}";

    private static string Show(PortTables port, Verdict verdict)
    {
        var set = verdict switch
        {
            Verdict.Cluster => BackendUse.InClusterSet,
            Verdict.Local => BackendUse.InLocalSet,
            Verdict.Refuse or Verdict.Drop => BackendUse.None,
        };
        return set == BackendUse.None
            ? verdict.ToString()
            : string.Join(' ', port.Backends.Where(backend => backend.Use.HasFlag(set)).Select(backend => (byte)backend.Address.Bits));
    }
}
