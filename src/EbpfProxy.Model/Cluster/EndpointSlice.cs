using System.Collections.Immutable;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Cluster;

/// <summary>The conditions of an endpoint, with the defaults of the API applied (ready and serving: true; terminating: false).</summary>
[Flags]
public enum EndpointConditions : byte
{
    None = 0,
    Ready = 1,
    Serving = 2,
    Terminating = 4,
}

/// <summary>One port of a slice; a port without a name or number was left out by the reader.</summary>
public readonly record struct EndpointPort(string Name, Protocol Protocol, ushort Port);

/// <summary>
/// One endpoint of a slice, before it is joined with the ports. A value type without objects of its own where it can be:
/// a large cluster has some hundred thousand of them.
/// </summary>
/// <param name="Address">The first address of the endpoint; the others are never used.</param>
/// <param name="Conditions">Ready, serving, terminating.</param>
/// <param name="IsLocal">Whether nodeName is this node's name.</param>
/// <param name="Hints">Topology hints; null where there are none. Equal hints share one object.</param>
public readonly record struct Endpoint(Address Address, EndpointConditions Conditions, bool IsLocal, TopologyHints? Hints);

/// <summary>hints.forZones and hints.forNodes of an endpoint.</summary>
public sealed record TopologyHints(ImmutableArray<string> Zones, ImmutableArray<string> Nodes)
{
    public bool Equals(TopologyHints? other) =>
        other is not null && Zones.HasSameItems(other.Zones) && Nodes.HasSameItems(other.Nodes);

    public override int GetHashCode() => HashCode.Combine(Zones.HashOfFirst(), Nodes.HashOfFirst());
}

/// <summary>What the proxy reads of a discovery.k8s.io/v1 EndpointSlice of address type IPv4 or IPv6.</summary>
public sealed record EndpointSlice
{
    public required ObjectName Name { get; init; }

    /// <summary>The Service that the label kubernetes.io/service-name names, in the slice's namespace.</summary>
    public required ObjectName Service { get; init; }

    public required IpFamily Family { get; init; }

    public ImmutableArray<EndpointPort> Ports { get; init; } = [];

    public ImmutableArray<Endpoint> Endpoints { get; init; } = [];

    public bool Equals(EndpointSlice? other) =>
        other is not null
        && Name == other.Name
        && Service == other.Service
        && Family == other.Family
        && Ports.HasSameItems(other.Ports)
        && Endpoints.HasSameItems(other.Endpoints);

    public override int GetHashCode() => Name.GetHashCode();
}
