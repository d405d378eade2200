using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>How an endpoint stands, as the conditions of its slice have it.</summary>
internal enum EndpointState
{
    Ready,

    /// <summary>Neither ready nor serving.</summary>
    Unready,

    /// <summary>On its way out, and serving.</summary>
    Draining,

    /// <summary>On its way out, and not serving any more.</summary>
    Stopped,

    /// <summary>On its way out and not serving, but ready, as a service has it that publishes what is not ready.</summary>
    Published,
}

/// <summary>An endpoint in both families, its node, and the zones and nodes that a controller names for it.</summary>
internal sealed record ScenarioEndpoint(string IPv4, string IPv6, string Node, EndpointState State = EndpointState.Ready)
{
    public IReadOnlyList<string> Zones { get; init; } = [];

    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>A process of a node itself.</summary>
    public static ScenarioEndpoint Of(TestNode node) => new(node.IPv4, node.IPv6, node.Name);

    internal object ToJson(int family) => new
    {
        addresses = new[] { family == 4 ? IPv4 : IPv6 },
        nodeName = Node,
        conditions = new
        {
            ready = State is EndpointState.Ready or EndpointState.Published,
            serving = State is EndpointState.Ready or EndpointState.Draining,
            terminating = State is EndpointState.Draining or EndpointState.Stopped or EndpointState.Published,
        },
        hints = Zones.Count + Nodes.Count == 0 ? null : new { forZones = Named(Zones), forNodes = Named(Nodes) },
    };

    private static object[]? Named(IReadOnlyList<string> names) => names.Count == 0 ? null : [.. names.Select(name => new { name })];
}
