using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Endpoints;
using EbpfProxy.Model.Network;
using static EbpfProxy.Model.Tests.Samples;

namespace EbpfProxy.Model.Tests.Endpoints;

public sealed class ServiceHealthCheckTests
{
    private static readonly Service _service = Service() with
    {
        Type = ServiceType.LoadBalancer,
        ExternalTrafficPolicy = TrafficPolicy.Local,
        HealthCheckNodePort = 30000,
    };

    public static TheoryData<string, string, int> Counts => new()
    {
        { "ready ones of this node", "1:RL 2:RL 3:RL 4:UL 5:Rr", 3 },
        { "none is ready, though some serve", "1:NL 2:TL 3:TL 4:XL", 0 },
        { "none is here", "1:Rr", 0 },
        { "none at all", "", 0 },
    };

    public static TheoryData<string, Service> WithoutServer => new()
    {
        { "no number", _service with { HealthCheckNodePort = 0 } },
        { "policy Cluster", _service with { ExternalTrafficPolicy = TrafficPolicy.Cluster } },
        { "another type", _service with { Type = ServiceType.NodePort } },
        { "headless", _service with { ClusterIPs = [] } },
        { "another proxy's", _service with { HasOtherProxy = true } },
    };

    [Theory]
    [MemberData(nameof(Counts), DisableDiscoveryEnumeration = true)]
    public void Only_ready_endpoints_of_this_node_count(string name, string endpoints, int expected)
    {
        var check = ServiceHealthCheck.Of(_service, [Slice(endpoints)]);

        Assert.True(check == new ServiceHealthCheck(30000, expected, null), name);
    }

    [Fact]
    public void An_address_counts_once_whatever_its_ports_and_slices()
    {
        var service = _service with { Ports = [Http, new ServicePort("admin", Protocol.Tcp, 81, 0)] };
        var admin = Slice("1:RL 3:RL", "web-2") with { Ports = [new EndpointPort("admin", Protocol.Tcp, 9000)] };

        var check = ServiceHealthCheck.Of(service, [Slice("1:RL 2:RL"), admin, Slice("1:RL", "web-3", port: 8081)]);

        Assert.Equal(3, check?.IPv4);
    }

    [Fact]
    public void An_endpoint_that_moves_between_slices_is_what_it_will_be()
    {
        Assert.Equal(1, ServiceHealthCheck.Of(_service, [Slice("1:TL", "web-2"), Slice("1:RL")])?.IPv4);
        Assert.Equal(0, ServiceHealthCheck.Of(_service, [Slice("1:RL"), Slice("1:UL", "web-2")])?.IPv4);
    }

    [Fact]
    public void Each_family_of_the_service_counts_by_itself()
    {
        var service = _service with { ClusterIPs = [Ip("fd00:96::1"), Ip("172.30.0.41")] };

        var check = ServiceHealthCheck.Of(service, [Slice("1:RL 2:RL"), Slice("1:RL", "web-6", family: IpFamily.IPv6)]);

        Assert.Equal(new ServiceHealthCheck(30000, 2, 1), check);
    }

    [Theory]
    [MemberData(nameof(WithoutServer), DisableDiscoveryEnumeration = true)]
    public void A_service_that_load_balancers_do_not_ask_for_has_none(string name, Service service)
    {
        Assert.True(ServiceHealthCheck.Of(service, [Slice("1:RL")]) is null, name);
    }
}
