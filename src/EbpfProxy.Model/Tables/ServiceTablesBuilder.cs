using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Endpoints;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Tables;

/// <summary>Makes the tables of a Service: a pure function, and safe to call from several threads.</summary>
public static class ServiceTablesBuilder
{
    private const int StackLimit = 512;

    private static readonly Comparison<EndpointSlice> _byName = static (left, right) => left.Name.CompareTo(right.Name);

    /// <param name="service">The Service.</param>
    /// <param name="slices">All slices of that Service, of both families, in any order.</param>
    /// <param name="node">The node that the tables are for.</param>
    public static ServiceTables Build(Service service, IReadOnlyCollection<EndpointSlice> slices, NodeContext node)
    {
        if (!service.IsProxied)
        {
            return new ServiceTables(service.Name, []);
        }

        var ordered = ArrayPool<EndpointSlice>.Shared.Rent(slices.Count);
        int count = 0;
        foreach (var slice in slices)
        {
            ordered[count++] = slice;
        }

        var inOrder = ordered.AsSpan(0, count);
        inOrder.Sort(_byName);
        var tables = new ServiceTables(service.Name, BuildPorts(service, inOrder, node));
        inOrder.Clear();
        ArrayPool<EndpointSlice>.Shared.Return(ordered);
        return tables;
    }

    private static ImmutableArray<PortTables> BuildPorts(Service service, ReadOnlySpan<EndpointSlice> slices, NodeContext node)
    {
        var ports = service.Ports.AsSpan();
        var tables = new PortTables[service.ClusterIPs.Length * ports.Length];
        int count = 0;
        foreach (var clusterIP in service.ClusterIPs)
        {
            var frontends = new FamilyFrontends(service, clusterIP, node);
            for (int i = 0; i < ports.Length; i++)
            {
                if (!IsNamedAgain(ports[i], ports[(i + 1)..]))
                {
                    tables[count++] = BuildPort(service, ports[i], clusterIP.Family, frontends, slices, node);
                }
            }
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(count == tables.Length ? tables : tables[..count]);
    }

    /// <summary>The API server allows each name and protocol once; in a manifest that does not keep to it the last one counts.</summary>
    private static bool IsNamedAgain(ServicePort port, ReadOnlySpan<ServicePort> rest)
    {
        foreach (var other in rest)
        {
            if (other.Protocol == port.Protocol && other.Name == port.Name)
            {
                return true;
            }
        }

        return false;
    }

    private static PortTables BuildPort(
        Service service,
        ServicePort port,
        IpFamily family,
        in FamilyFrontends frontends,
        ReadOnlySpan<EndpointSlice> slices,
        NodeContext node)
    {
        using var merge = EndpointMerge.Of(slices, family, port.Name, port.Protocol);
        var endpoints = merge.Endpoints;
        var sets = endpoints.Length <= StackLimit ? stackalloc EndpointSets[StackLimit] : new EndpointSets[endpoints.Length];
        var policies = PoliciesOf(service, port, frontends.HasExternalAddresses);
        var selection = EndpointSelector.Select(endpoints, policies, node, sets);
        return new PortTables
        {
            Key = new ServiceKey(service.Name, port.Name, port.Protocol, family),
            Frontends = frontends.Of(port),
            Backends = BackendsOf(endpoints, sets),
            Verdicts = VerdictRules.For(policies, selection),
            AffinitySeconds = service.AffinitySeconds,
            SourceRanges = frontends.SourceRanges,
        };
    }

    private static TrafficPolicies PoliciesOf(Service service, ServicePort port, bool hasExternalAddresses)
    {
        // A ClusterIP Service without external IPs is never under the external policy, even if its status still has the
        // addresses of a load balancer.
        bool isExternalType = service.Type is ServiceType.NodePort or ServiceType.LoadBalancer || !service.ExternalIPs.IsDefaultOrEmpty;
        return new TrafficPolicies(
            IsInternalLocal: service.InternalTrafficPolicy == TrafficPolicy.Local,
            IsExternalLocal: isExternalType && service.ExternalTrafficPolicy == TrafficPolicy.Local,
            IsExternallyAccessible: port.NodePort != 0 || hasExternalAddresses);
    }

    private static ImmutableArray<Backend> BackendsOf(ReadOnlySpan<ServiceEndpoint> endpoints, ReadOnlySpan<EndpointSets> sets)
    {
        int count = 0;
        for (int i = 0; i < endpoints.Length; i++)
        {
            count += IsBackend(endpoints[i], sets[i]) ? 1 : 0;
        }

        if (count == 0)
        {
            return [];
        }

        var backends = new Backend[count];
        count = 0;
        for (int i = 0; i < endpoints.Length; i++)
        {
            if (IsBackend(endpoints[i], sets[i]))
            {
                backends[count++] = new Backend(endpoints[i].Address, endpoints[i].Port, UseOf(endpoints[i], sets[i]));
            }
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(backends);
    }

    private static bool IsBackend(in ServiceEndpoint endpoint, EndpointSets sets) => sets != EndpointSets.None || endpoint.IsServing;

    /// <summary>
    /// An endpoint in a set counts as serving even where its conditions say ready and not serving: a flow that may begin
    /// there may also go on there, or its socket would be closed as soon as it is used.
    /// </summary>
    private static BackendUse UseOf(in ServiceEndpoint endpoint, EndpointSets sets) =>
        BackendUse.Serving
        | ((sets & EndpointSets.Cluster) != 0 ? BackendUse.InClusterSet : BackendUse.None)
        | ((sets & EndpointSets.Local) != 0 ? BackendUse.InLocalSet : BackendUse.None)
        | (endpoint.IsLocal ? BackendUse.OnNode : BackendUse.None);
}
