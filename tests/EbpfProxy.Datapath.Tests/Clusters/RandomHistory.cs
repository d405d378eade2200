using System.Collections.Immutable;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Tests.Clusters;

/// <summary>
/// Histories of small clusters by chance. There are few addresses, names and ports, so that Services claim each other's
/// addresses, endpoints are of several Services, and every condition meets every other.
/// </summary>
internal sealed class RandomHistory(int seed)
{
    private const int StepCount = 30;
    private const string NodeName = "node-1";

    private static readonly string[] _services = ["a", "b", "c", "d"];
    private static readonly Address[] _endpointsV4 = [.. Enumerable.Range(1, 6).Select(i => Parse($"10.0.0.{i}"))];
    private static readonly Address[] _endpointsV6 = [.. Enumerable.Range(1, 6).Select(i => Parse($"fd00:10::{i}"))];
    private static readonly Address[] _external = [Parse("203.0.113.1"), Parse("203.0.113.2"), Parse("2001:db8:1::1")];
    private static readonly Address[] _balancers = [Parse("198.51.100.1"), Parse("203.0.113.1"), Parse("2001:db8:2::1")];
    private static readonly Prefix[] _ranges = [Range("192.0.2.0/24"), Range("10.0.0.0/29"), Range("192.168.0.0/24"), Range("2001:db8::/64"), Range("0.0.0.0/0")];
    private static readonly (string Name, Protocol Protocol, ushort Port)[] _ports = [("http", Protocol.Tcp, 80), ("dns", Protocol.Udp, 53), ("dns-tcp", Protocol.Tcp, 53)];
    private static readonly Address[] _nodeAddresses = [Parse("192.168.0.1"), Parse("2001:db8::1")];

    private readonly Random _random = new(seed);

    /// <summary>What a proxy finds that starts first.</summary>
    public static ClusterState Empty { get; } = new(
        new NodeContext(NodeName, "", [.. _nodeAddresses]),
        ImmutableSortedDictionary<ObjectName, Service>.Empty,
        ImmutableSortedDictionary<ObjectName, EndpointSlice>.Empty);

    public List<Step> Make() => [.. Enumerable.Range(0, StepCount).Select(_ => NextStep())];

    /// <summary>Every kind of client, to everything that any history has a name for.</summary>
    public static IEnumerable<AskedFlow> Flows()
    {
        (ClientPlace, Address)[] clients =
        [
            (ClientPlace.LocalPod, _endpointsV4[0]), (ClientPlace.LocalPod, Parse("10.0.0.77")), (ClientPlace.Node, _nodeAddresses[0]),
            (ClientPlace.Node, _balancers[0]), (ClientPlace.Elsewhere, Parse("192.0.2.9")), (ClientPlace.Elsewhere, Parse("192.0.9.9")),
            (ClientPlace.LocalPod, _endpointsV6[0]), (ClientPlace.Node, _nodeAddresses[1]), (ClientPlace.Elsewhere, Parse("2001:db8::9")),
            (ClientPlace.Elsewhere, Parse("2001:db8:9::9")),
        ];
        Address[] destinations = [.. _services.SelectMany(name => new[] { ClusterIP(name, IpFamily.IPv4), ClusterIP(name, IpFamily.IPv6) }), .. _external, .. _balancers, .. _nodeAddresses];
        (Protocol, ushort)[] ports = [(Protocol.Tcp, 80), (Protocol.Udp, 53), (Protocol.Tcp, 53), .. _services.Select(name => (Protocol.Tcp, NodePort(name)))];
        return
            from client in clients
            from destination in destinations.Distinct()
            where client.Item2.Family == destination.Family
            from port in ports
            select new AskedFlow(client.Item1, client.Item2, destination, port.Item2, port.Item1);
    }

    private Step NextStep()
    {
        string name = Pick(_services);
        return _random.Next(16) switch
        {
            0 => new RemoveService(NameOf(name)),
            1 => new RemoveSlice(NameOf($"{name}-{_random.Next(3)}")),
            2 => new MoveToZone(Pick("", "zone-a", "zone-b")),
            3 => new RestartProxy(),
            4 => new HoldGracePeriods(Chance(2)),
            5 => new EndGracePeriods(),
            < 10 => new SetService(NextService(name)),
            _ => new SetSlice(NextSlice(name)),
        };
    }

    private Service NextService(string name)
    {
        bool isLoadBalancer = Chance(3);
        return new Service
        {
            Name = NameOf(name),
            Type = isLoadBalancer ? ServiceType.LoadBalancer : Pick(ServiceType.ClusterIP, ServiceType.NodePort, ServiceType.NodePort, ServiceType.ExternalName),
            ClusterIPs = [.. Some(IpFamily.IPv4, IpFamily.IPv6).Select(family => ClusterIP(name, family))],
            Ports = [.. Some(_ports).DefaultIfEmpty(Pick(_ports)).Select(port => new ServicePort(port.Name, port.Protocol, port.Port, port.Protocol == Protocol.Tcp && port.Port == 80 && Chance(2) ? NodePort(name) : (ushort)0))],
            ExternalIPs = Chance(3) ? [.. Some([.. _external, ClusterIP("a", IpFamily.IPv4)])] : [],
            LoadBalancerIPs = isLoadBalancer || Chance(8) ? [.. Some(_balancers)] : [],
            LoadBalancerSourceRanges = Chance(3) ? [.. Some(_ranges)] : [],
            InternalTrafficPolicy = Pick(TrafficPolicy.Cluster, TrafficPolicy.Local),
            ExternalTrafficPolicy = Pick(TrafficPolicy.Cluster, TrafficPolicy.Local),
            HasOtherProxy = Chance(20),
        };
    }

    private EndpointSlice NextSlice(string service)
    {
        int number = _random.Next(3);
        var family = Pick(IpFamily.IPv4, IpFamily.IPv4, IpFamily.IPv6);
        return new EndpointSlice
        {
            Name = NameOf($"{service}-{number}"),
            Service = NameOf(service),
            Family = family,
            Ports = [.. Some(_ports).Select(port => new EndpointPort(port.Name, port.Protocol, Pick<ushort>(8080, 9090)))],
            Endpoints = [.. Some(family == IpFamily.IPv4 ? _endpointsV4 : _endpointsV6).Select(NextEndpoint)],
        };
    }

    private Endpoint NextEndpoint(Address address)
    {
        var conditions = (EndpointConditions)_random.Next(8);
        if (Chance(2))
        {
            conditions = EndpointConditions.Ready | EndpointConditions.Serving;
        }

        var hints = Chance(3)
            ? new TopologyHints([.. Some("zone-a", "zone-b", "zone-c")], Chance(2) ? [.. Some(NodeName, "node-2")] : [])
            : null;
        return new Endpoint(address, conditions, Chance(2), hints);
    }

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private T Pick<T>(params T[] items) => items[_random.Next(items.Length)];

    private List<T> Some<T>(params T[] items) => [.. items.Where(_ => Chance(2))];

    private static ObjectName NameOf(string name) => new("default", name);

    private static Address ClusterIP(string service, IpFamily family) => Parse((family == IpFamily.IPv4 ? "10.96.0." : "fd00:96::") + (service[0] - 'a' + 1));

    private static ushort NodePort(string service) => (ushort)(30000 + service[0]);

    private static Address Parse(string text) => Address.TryParse(text, out var address) ? address : throw new FormatException(text);

    private static Prefix Range(string text) => Prefix.TryParse(text, out var prefix) ? prefix : throw new FormatException(text);
}
