using System.Collections.Immutable;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Cluster;

/// <summary>What the proxy reads of its own Node object.</summary>
/// <param name="Name">metadata.name</param>
/// <param name="Zone">The label topology.kubernetes.io/zone; empty where it is missing.</param>
/// <param name="Addresses">InternalIPs in order, then ExternalIPs.</param>
/// <param name="IsDeleted">Whether it has a deletionTimestamp.</param>
/// <param name="IsLeaving">Whether it has the taint ToBeDeletedByClusterAutoscaler.</param>
public sealed record ClusterNode(string Name, string Zone, ImmutableArray<Address> Addresses, bool IsDeleted, bool IsLeaving)
{
    /// <summary>spec.podCIDRs: the prefixes of this node's pods, in order.</summary>
    public ImmutableArray<Prefix> PodPrefixes { get; init; } = [];

    public bool Equals(ClusterNode? other) =>
        other is not null
        && (Name, Zone, IsDeleted, IsLeaving) == (other.Name, other.Zone, other.IsDeleted, other.IsLeaving)
        && Addresses.HasSameItems(other.Addresses)
        && PodPrefixes.HasSameItems(other.PodPrefixes);

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}
