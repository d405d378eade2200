using System.Collections.Immutable;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Cache;

/// <summary>What changed since the last time that changes were taken.</summary>
/// <param name="Services">The services to build again, and those that are gone, each once, in no order.</param>
/// <param name="Node">This node; null where its object does not exist.</param>
/// <param name="IsComplete">Whether <paramref name="Services"/> are all services that there are.</param>
/// <param name="TriggerTimes">When the changes of endpoints among these were triggered, where the slices say so.</param>
/// <param name="ServicePrefixes">The prefixes of all ServiceCIDRs.</param>
public sealed record ClusterChanges(
    IReadOnlyList<DirtyService> Services,
    ClusterNode? Node,
    bool IsComplete,
    IReadOnlyList<TriggerTime> TriggerTimes,
    ImmutableArray<Prefix> ServicePrefixes);

/// <summary>A service to build again, with its slices; a null <paramref name="Service"/> is gone.</summary>
public readonly record struct DirtyService(ObjectName Name, Service? Service, ImmutableArray<EndpointSlice> Slices);

/// <summary>When a change of endpoints was triggered in the cluster, and the family of its slice.</summary>
public readonly record struct TriggerTime(IpFamily Family, DateTimeOffset Time);
