using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Tests.Cache;

/// <summary>Objects for tests, each time new ones.</summary>
internal static class Sample
{
    public static ObjectName Name(string name) => new("default", name);

    public static Service Service(string name, ushort port = 80) => new()
    {
        Name = Name(name),
        ClusterIPs = [Address.FromIPv4(0x0a600001)],
        Ports = [new ServicePort("http", Protocol.Tcp, port, 0)],
    };

    public static EndpointSlice Slice(string name, string service, params uint[] addresses) => new()
    {
        Name = Name(name),
        Service = Name(service),
        Family = IpFamily.IPv4,
        Ports = [new EndpointPort("http", Protocol.Tcp, 8080)],
        Endpoints =
        [
            .. addresses.Select(a => new Endpoint(
                Address.FromIPv4(a), EndpointConditions.Ready | EndpointConditions.Serving, false, new TopologyHints(["a"], []))),
        ],
    };

    public static ClusterNode Node(string zone = "a", bool isDeleted = false, bool isLeaving = false) =>
        new("n1", zone, [Address.FromIPv4(0x0a000001)], isDeleted, isLeaving);
}
