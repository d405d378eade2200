using System.Collections.Immutable;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Datapath.Tests.Clusters;

/// <summary>The objects of a cluster at one moment.</summary>
internal sealed record ClusterState(
    NodeContext Node, ImmutableSortedDictionary<ObjectName, Service> Services, ImmutableSortedDictionary<ObjectName, EndpointSlice> Slices)
{
    public IReadOnlyCollection<EndpointSlice> SlicesOf(ObjectName service) => [.. Slices.Values.Where(slice => slice.Service == service)];
}

/// <summary>One thing that happens to a cluster or to its proxy. What it is stands in it, so that a history can be cut short.</summary>
internal abstract record Step;

internal sealed record SetService(Service Service) : Step;

internal sealed record RemoveService(ObjectName Name) : Step;

internal sealed record SetSlice(EndpointSlice Slice) : Step;

internal sealed record RemoveSlice(ObjectName Name) : Step;

internal sealed record MoveToZone(string Zone) : Step;

internal sealed record RestartProxy : Step;

/// <summary>From here on grace periods end at once, or only at the next <see cref="EndGracePeriods"/>.</summary>
internal sealed record HoldGracePeriods(bool IsHeld) : Step;

internal sealed record EndGracePeriods : Step;
