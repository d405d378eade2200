using EbpfProxy.Controller.Sync;
using EbpfProxy.Controller.Tests.Cache;
using EbpfProxy.Datapath;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Controller.Tests.Sync;

/// <summary>The table of section 7.1.11 of the reference.</summary>
public sealed class ServicesWithoutLocalTests
{
    private readonly ServicesWithoutLocal _counts = new();

    [Theory]
    [InlineData("L r r", "internal", 0, 0)]
    [InlineData("L r r", "external", 0, 0)]
    [InlineData("L r r", "internal external", 0, 0)]
    [InlineData("r r r", "internal", 1, 0)]
    [InlineData("r r r", "external", 0, 1)]
    [InlineData("r r r", "internal external", 1, 1)]
    [InlineData("r r r", "", 0, 0)]
    [InlineData("", "internal external", 0, 0)]
    public void A_port_counts_whose_policy_is_local_and_whose_endpoints_are_elsewhere(string endpoints, string policies, int @internal, int external)
    {
        _counts.Apply([Change("web", endpoints, policies)], isComplete: true);

        Assert.Equal((@internal, external), (_counts.Internal(IpFamily.IPv4), _counts.External(IpFamily.IPv4)));
        Assert.Equal((0, 0), (_counts.Internal(IpFamily.IPv6), _counts.External(IpFamily.IPv6)));
    }

    [Fact]
    public void Counts_follow_each_change()
    {
        _counts.Apply([Change("a", "r", "internal"), Change("b", "r", "internal"), Change("c", "r", "internal")], isComplete: true);
        Assert.Equal(3, _counts.Internal(IpFamily.IPv4));

        _counts.Apply([Change("a", "L", "internal"), new ServiceChange(Sample.Name("b"), null)], isComplete: false);
        Assert.Equal(1, _counts.Internal(IpFamily.IPv4));

        _counts.Apply([Change("a", "r", "internal")], isComplete: true);
        Assert.Equal(1, _counts.Internal(IpFamily.IPv4));
    }

    private static ServiceChange Change(string name, string endpoints, string policies)
    {
        var service = Sample.Service(name) with
        {
            Type = ServiceType.NodePort,
            Ports = [new ServicePort("http", Protocol.Tcp, 80, 123)],
            InternalTrafficPolicy = policies.Contains("internal", StringComparison.Ordinal) ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            ExternalTrafficPolicy = policies.Contains("external", StringComparison.Ordinal) ? TrafficPolicy.Local : TrafficPolicy.Cluster,
        };
        var slice = Sample.Slice($"{name}-1", name) with
        {
            Endpoints =
            [
                .. endpoints.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((place, i) => new Endpoint(
                    Address.FromIPv4((uint)i + 1), EndpointConditions.Ready | EndpointConditions.Serving, place == "L", null)),
            ],
        };
        return new ServiceChange(service.Name, ServiceTablesBuilder.Build(service, [slice], new NodeContext("n1", "")));
    }
}
