using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath;

/// <summary>
/// The maps and programs in the kernel, as the controller sees them. Not thread-safe: one loop applies changes.
/// </summary>
public interface IServiceDatapath
{
    /// <summary>Says what this node is to the cluster, before the changes that came with it; null where it is not known.</summary>
    void SetNode(ClusterNode? node);

    /// <summary>
    /// Says which addresses only services have (ServiceCIDRs), after the changes that came with it: packets to those of
    /// them that no service has are dropped.
    /// </summary>
    void SetServicePrefixes(IReadOnlyCollection<Prefix> prefixes);

    /// <summary>
    /// Makes the maps hold what <paramref name="changes"/> say, at the cost of the services that they name. On an error
    /// (an <see cref="IOException"/>) what was written stays, and the next call has to be a complete one: it starts from what the kernel holds.
    /// </summary>
    /// <param name="changes">The services that changed; one with null tables is gone.</param>
    /// <param name="isComplete">
    /// Whether <paramref name="changes"/> are all services there are, after every first list: only then is what an
    /// earlier run left behind removed.
    /// </param>
    ApplyResult Apply(IReadOnlyCollection<ServiceChange> changes, bool isComplete);
}

/// <summary>What one Kubernetes Service shall have in the maps; null <paramref name="Tables"/> remove it.</summary>
public readonly record struct ServiceChange(ObjectName Service, ServiceTables? Tables);

/// <summary>What one call wrote: map writes (elements put, changed or removed), and services that were touched.</summary>
public readonly record struct ApplyResult(int Writes, int Services);
