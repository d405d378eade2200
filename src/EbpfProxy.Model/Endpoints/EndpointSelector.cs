using System.Collections.Immutable;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Model.Endpoints;

/// <summary>Which sets of a Service port an endpoint is in. An endpoint in none cannot be reached from this node.</summary>
[Flags]
internal enum EndpointSets : byte
{
    None = 0,
    Cluster = 1,
    Local = 2,
}

/// <summary>What the policies of a Service port ask of its endpoints.</summary>
/// <param name="IsInternalLocal">internalTrafficPolicy is Local.</param>
/// <param name="IsExternalLocal">externalTrafficPolicy is Local, on a Service that the policy counts for.</param>
/// <param name="IsExternallyAccessible">The port has a node port, a load-balancer address or an external IP in the family.</param>
internal readonly record struct TrafficPolicies(bool IsInternalLocal, bool IsExternalLocal, bool IsExternallyAccessible)
{
    public bool UsesCluster => !IsInternalLocal || IsExternallyAccessible;

    public bool UsesLocal => IsInternalLocal || (IsExternalLocal && IsExternallyAccessible);
}

/// <summary>How many endpoints each set got; null where the policies do not use the set, which is not the same as none.</summary>
/// <param name="ClusterCount">Endpoints for traffic that may leave the node.</param>
/// <param name="LocalCount">Endpoints for traffic under a policy Local.</param>
/// <param name="HasAny">Whether some node has an endpoint for the port, be it out of reach of this one.</param>
internal readonly record struct EndpointSelection(int? ClusterCount, int? LocalCount, bool HasAny);

/// <summary>
/// Chooses the endpoints that one Service port may use on this node. Ready ones are used; where a set would be empty
/// without them, those that still serve while they terminate. That is decided for each set by itself.
/// </summary>
internal static class EndpointSelector
{
    private enum Preference : byte
    {
        None,
        SameNode,
        SameZone,
    }

    /// <param name="endpoints">All endpoints of the port in one family.</param>
    /// <param name="policies">The policies of the Service port.</param>
    /// <param name="node">This node.</param>
    /// <param name="sets">Receives, for each endpoint, the sets that it is in.</param>
    public static EndpointSelection Select(
        ReadOnlySpan<ServiceEndpoint> endpoints, TrafficPolicies policies, NodeContext node, Span<EndpointSets> sets)
    {
        sets[..endpoints.Length].Clear();
        int? clusterCount = policies.UsesCluster ? SelectCluster(endpoints, node, sets) : null;
        if (!policies.UsesLocal)
        {
            return new EndpointSelection(clusterCount, LocalCount: null, HasAny: clusterCount > 0);
        }

        int localCount = SelectLocal(endpoints, sets);
        bool hasAny = clusterCount > 0 || HasUsable(endpoints);
        return new EndpointSelection(clusterCount, localCount, hasAny);
    }

    private static int SelectCluster(ReadOnlySpan<ServiceEndpoint> endpoints, NodeContext node, Span<EndpointSets> sets)
    {
        var preference = PreferenceOf(endpoints, node);
        int count = 0;
        for (int i = 0; i < endpoints.Length; i++)
        {
            if (endpoints[i].IsReady && IsPreferred(endpoints[i].Hints, preference, node))
            {
                sets[i] |= EndpointSets.Cluster;
                count++;
            }
        }

        return count > 0 ? count : SelectTerminating(endpoints, sets, EndpointSets.Cluster);
    }

    private static int SelectLocal(ReadOnlySpan<ServiceEndpoint> endpoints, Span<EndpointSets> sets)
    {
        int count = 0;
        for (int i = 0; i < endpoints.Length; i++)
        {
            if (endpoints[i].IsLocal && endpoints[i].IsReady)
            {
                sets[i] |= EndpointSets.Local;
                count++;
            }
        }

        return count > 0 ? count : SelectTerminating(endpoints, sets, EndpointSets.Local);
    }

    private static int SelectTerminating(ReadOnlySpan<ServiceEndpoint> endpoints, Span<EndpointSets> sets, EndpointSets set)
    {
        int count = 0;
        for (int i = 0; i < endpoints.Length; i++)
        {
            if (IsLastResort(endpoints[i]) && (set == EndpointSets.Cluster || endpoints[i].IsLocal))
            {
                sets[i] |= set;
                count++;
            }
        }

        return count;
    }

    private static bool HasUsable(ReadOnlySpan<ServiceEndpoint> endpoints)
    {
        foreach (ref readonly var endpoint in endpoints)
        {
            if (endpoint.IsReady || IsLastResort(endpoint))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsLastResort(in ServiceEndpoint endpoint) => endpoint.IsServing && endpoint.IsTerminating;

    /// <summary>
    /// Hints count only where every ready endpoint has one and one of them names this node or zone: half-written hints
    /// would load a few endpoints with everything.
    /// </summary>
    private static Preference PreferenceOf(ReadOnlySpan<ServiceEndpoint> endpoints, NodeContext node)
    {
        bool allHaveNodes = true;
        bool allHaveZones = true;
        bool someIsForNode = false;
        bool someIsForZone = false;
        foreach (ref readonly var endpoint in endpoints)
        {
            if (!endpoint.IsReady)
            {
                continue;
            }

            if (endpoint.Hints is not { } hints)
            {
                return Preference.None;
            }

            allHaveNodes &= !hints.Nodes.IsDefaultOrEmpty;
            allHaveZones &= !hints.Zones.IsDefaultOrEmpty;
            someIsForNode |= Names(hints.Nodes, node.Name);
            someIsForZone |= Names(hints.Zones, node.Zone);
        }

        return allHaveNodes && someIsForNode ? Preference.SameNode
            : allHaveZones && someIsForZone ? Preference.SameZone
            : Preference.None;
    }

    private static bool IsPreferred(TopologyHints? hints, Preference preference, NodeContext node) => preference switch
    {
        Preference.None => true,
        Preference.SameNode => Names(hints!.Nodes, node.Name),
        Preference.SameZone => Names(hints!.Zones, node.Zone),
    };

    private static bool Names(ImmutableArray<string> hints, string name)
    {
        if (name.Length == 0)
        {
            return false;
        }

        foreach (string hint in hints.AsSpan())
        {
            if (hint == name)
            {
                return true;
            }
        }

        return false;
    }
}
