using System.Collections.Immutable;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Cache;

/// <summary>
/// Compares objects by what they hold. Records compare their arrays by reference; so the arrays are compared here, and
/// everything else, fields of the future included, by the record itself.
/// </summary>
internal static class ObjectEquality
{
    public static bool AreEqual(Service a, Service b) =>
        Same(a.ClusterIPs, b.ClusterIPs)
        && Same(a.Ports, b.Ports)
        && Same(a.ExternalIPs, b.ExternalIPs)
        && Same(a.LoadBalancerIPs, b.LoadBalancerIPs)
        && Same(a.LoadBalancerSourceRanges, b.LoadBalancerSourceRanges)
        && b == a with
        {
            ClusterIPs = b.ClusterIPs,
            Ports = b.Ports,
            ExternalIPs = b.ExternalIPs,
            LoadBalancerIPs = b.LoadBalancerIPs,
            LoadBalancerSourceRanges = b.LoadBalancerSourceRanges,
        };

    public static bool AreEqual(EndpointSlice a, EndpointSlice b) =>
        Same(a.Ports, b.Ports)
        && SameEndpoints(a.Endpoints.AsSpan(), b.Endpoints.AsSpan())
        && b == a with { Ports = b.Ports, Endpoints = b.Endpoints, TriggerTime = b.TriggerTime };

    public static bool AreEqual(ClusterNode? a, ClusterNode? b) =>
        a is null || b is null
            ? ReferenceEquals(a, b)
            : Same(a.Addresses, b.Addresses) && b == a with { Addresses = b.Addresses };

    private static bool SameEndpoints(ReadOnlySpan<Endpoint> a, ReadOnlySpan<Endpoint> b)
    {
        if (a.Length != b.Length)
        {
            return false;
        }

        for (int i = 0; i < a.Length; i++)
        {
            if (a[i] with { Hints = null } != b[i] with { Hints = null } || !SameHints(a[i].Hints, b[i].Hints))
            {
                return false;
            }
        }

        return true;
    }

    private static bool SameHints(TopologyHints? a, TopologyHints? b) =>
        ReferenceEquals(a, b) || (a is not null && b is not null && Same(a.Zones, b.Zones) && Same(a.Nodes, b.Nodes));

    private static bool Same<T>(ImmutableArray<T> a, ImmutableArray<T> b) => a.AsSpan().SequenceEqual(b.AsSpan());
}
