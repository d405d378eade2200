using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Endpoints;

/// <summary>
/// What load balancers may ask of a Service at its healthCheckNodePort: how many endpoints it has on this node. Null counts
/// are of a family that the Service does not have.
/// </summary>
public sealed record ServiceHealthCheck(ushort Port, int? IPv4, int? IPv6)
{
    public int? this[IpFamily family] => family == IpFamily.IPv4 ? IPv4 : IPv6;

    /// <summary>Null for a Service that has no such port, or none that counts.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="slices">All its slices, in any order.</param>
    public static ServiceHealthCheck? Of(Service service, IReadOnlyCollection<EndpointSlice> slices)
    {
        bool counts = service.HealthCheckNodePort != 0
            && service.Type == ServiceType.LoadBalancer
            && service.ExternalTrafficPolicy == TrafficPolicy.Local
            && service.IsProxied;
        if (!counts)
        {
            return null;
        }

        EndpointSlice[] inOrder = [.. slices.OrderBy(slice => slice.Name)];
        return new ServiceHealthCheck(service.HealthCheckNodePort, Count(IpFamily.IPv4), Count(IpFamily.IPv6));

        int? Count(IpFamily family) =>
            service.ClusterIPs.Any(address => address.Family == family) ? CountLocal(service, inOrder, family) : null;
    }

    /// <summary>
    /// Addresses of this node's ready endpoints, of all ports, each once. Terminating ones are not ready, though they may
    /// still serve: the load balancer is to turn away while they do.
    /// </summary>
    private static int CountLocal(Service service, ReadOnlySpan<EndpointSlice> slices, IpFamily family)
    {
        var addresses = new HashSet<Address>();
        foreach (var port in service.Ports)
        {
            using var merge = EndpointMerge.Of(slices, family, port.Name, port.Protocol);
            foreach (ref readonly var endpoint in merge.Endpoints)
            {
                if (endpoint.IsLocal && endpoint.IsReady)
                {
                    addresses.Add(endpoint.Address);
                }
            }
        }

        return addresses.Count;
    }
}
