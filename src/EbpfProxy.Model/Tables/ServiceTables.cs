using System.Collections.Immutable;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tables;

/// <summary>
/// What the maps shall hold for one Kubernetes Service: one <see cref="PortTables"/> for each port and family. A pure
/// function of the Service, its slices and the node (<see cref="ServiceTablesBuilder"/>).
/// </summary>
public sealed record ServiceTables(ObjectName Name, ImmutableArray<PortTables> Ports)
{
    public bool Equals(ServiceTables? other) => other is not null && Name == other.Name && Ports.HasSameItems(other.Ports);

    public override int GetHashCode() => Name.GetHashCode();
}

/// <summary>The identity of a service in the datapath: a Kubernetes Service, one of its ports, one family.</summary>
public readonly record struct ServiceKey(ObjectName Service, string PortName, Protocol Protocol, IpFamily Family)
{
    public override string ToString() => PortName.Length == 0 ? Service.ToString() : $"{Service}:{PortName}";
}

/// <summary>The rows of one service.</summary>
public sealed record PortTables
{
    public required ServiceKey Key { get; init; }

    public required ImmutableArray<Frontend> Frontends { get; init; }

    /// <summary>Every endpoint that is in a set or still serves, by address and port, in ascending order, without duplicates.</summary>
    public required ImmutableArray<Backend> Backends { get; init; }

    public required TrafficVerdicts Verdicts { get; init; }

    /// <summary>0 without session affinity.</summary>
    public uint AffinitySeconds { get; init; }

    /// <summary>Who may use the load-balancer addresses, of the family; empty for everyone.</summary>
    public ImmutableArray<Prefix> SourceRanges { get; init; } = [];

    public bool Equals(PortTables? other) =>
        other is not null
        && Key == other.Key
        && Verdicts == other.Verdicts
        && AffinitySeconds == other.AffinitySeconds
        && Backends.HasSameItems(other.Backends)
        && Frontends.HasSameItems(other.Frontends)
        && SourceRanges.HasSameItems(other.SourceRanges);

    public override int GetHashCode() => Key.GetHashCode();
}

/// <summary>What clients ask: an address, or this node's addresses for a node port (<see cref="Address.AnyOf"/>).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public readonly record struct Frontend(Address Address, ushort Port, FrontendKind Kind, bool HasSourceRanges = false);

/// <summary>The numbers of <c>enum frontend_kind</c>.</summary>
public enum FrontendKind : byte
{
    ClusterIP = 1,
    ExternalIP = 2,
    LoadBalancer = 3,
    NodePort = 4,
}

/// <summary>An endpoint with its target port, and what it may be used for. Packed: a large cluster has some hundred thousand.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public readonly record struct Backend(Address Address, ushort Port, BackendUse Use);

/// <summary>The bits of <c>enum backend_flag</c>.</summary>
[Flags]
public enum BackendUse : byte
{
    None = 0,

    /// <summary>A UDP flow that uses it may go on, whatever new flows do.</summary>
    Serving = 1,

    /// <summary>In the set for cluster-wide traffic.</summary>
    InClusterSet = 2,

    /// <summary>In the set for traffic under a Local policy.</summary>
    InLocalSet = 4,

    /// <summary>On this node.</summary>
    OnNode = 8,
}

/// <summary>The numbers of <c>enum verdict</c>: what a class of traffic gets.</summary>
public enum Verdict : byte
{
    Cluster = 1,
    Local = 2,
    Refuse = 3,
    Drop = 4,
}

/// <summary>The verdict for each class of traffic.</summary>
/// <param name="Internal">To the cluster IP.</param>
/// <param name="External">To a node port or external address, from outside the node.</param>
/// <param name="ExternalNear">The same, from a pod of this node or the node itself.</param>
public readonly record struct TrafficVerdicts(Verdict Internal, Verdict External, Verdict ExternalNear)
{
    /// <summary>What traffic to the cluster IP gets, for all.</summary>
    public TrafficVerdicts OfInsideForAll => new(Internal, Internal, Internal);
}
