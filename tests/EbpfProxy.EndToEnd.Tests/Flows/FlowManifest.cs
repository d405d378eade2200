using System.Text.Json;
using System.Text.Json.Serialization;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Flows;

namespace EbpfProxy.EndToEnd.Tests.Flows;

/// <summary>The objects of a case of the flow tables, as the API has them.</summary>
internal static class FlowManifest
{
    private static readonly JsonSerializerOptions _json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>All objects, as documents of one file.</summary>
    /// <param name="flows">The case.</param>
    /// <param name="node">The name of the node that its local endpoints are on.</param>
    public static string Write(FlowCase flows, string node) => string.Join(
        "\n---\n",
        [
            .. flows.Services.Select(ServiceJson),
            .. flows.Slices.Select(slice => SliceJson(slice, node)),
            .. flows.ServiceCidrs.Length == 0 ? Array.Empty<string>() : [ServiceCidrJson(flows.ServiceCidrs)],
        ]);

    private static string ServiceJson(Service service) => JsonSerializer.Serialize(
        new
        {
            apiVersion = "v1",
            kind = "Service",
            metadata = new { name = service.Name.Name, @namespace = service.Name.Namespace },
            spec = new
            {
                type = service.Type.ToString(),
                clusterIP = service.ClusterIPs[0].ToString(),
                clusterIPs = Texts(service.ClusterIPs),
                ipFamilies = service.ClusterIPs.Select(address => address.Family.ToString()),
                externalIPs = Texts(service.ExternalIPs),
                loadBalancerSourceRanges = Texts(service.LoadBalancerSourceRanges),
                internalTrafficPolicy = service.InternalTrafficPolicy.ToString(),
                externalTrafficPolicy = service.ExternalTrafficPolicy.ToString(),
                ports = service.Ports.Select(port => new
                {
                    name = port.Name,
                    protocol = NameOf(port.Protocol),
                    port = port.Port,
                    nodePort = port.NodePort == 0 ? (ushort?)null : port.NodePort,
                }),
            },
            status = new { loadBalancer = new { ingress = service.LoadBalancerIPs.Select(address => new { ip = address.ToString() }) } },
        },
        _json);

    private static string SliceJson(EndpointSlice slice, string node) => JsonSerializer.Serialize(new
    {
        apiVersion = "discovery.k8s.io/v1",
        kind = "EndpointSlice",
        metadata = new
        {
            name = slice.Name.Name,
            @namespace = slice.Name.Namespace,
            labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = slice.Service.Name },
        },
        addressType = slice.Family.ToString(),
        ports = slice.Ports.Select(port => new { name = port.Name, protocol = NameOf(port.Protocol), port = port.Port }),
        endpoints = slice.Endpoints.Select(endpoint => new
        {
            addresses = new[] { endpoint.Address.ToString() },
            nodeName = endpoint.IsLocal ? node : "another-node",
            conditions = new
            {
                ready = endpoint.Conditions.HasFlag(EndpointConditions.Ready),
                serving = endpoint.Conditions.HasFlag(EndpointConditions.Serving),
                terminating = endpoint.Conditions.HasFlag(EndpointConditions.Terminating),
            },
        }),
    });

    private static string ServiceCidrJson(IEnumerable<Prefix> cidrs) => JsonSerializer.Serialize(new
    {
        apiVersion = "networking.k8s.io/v1",
        kind = "ServiceCIDR",
        metadata = new { name = "cluster" },
        spec = new { cidrs = Texts(cidrs) },
    });

    private static string[] Texts<T>(IEnumerable<T> values) => [.. values.Select(value => $"{value}")];

    private static string NameOf(Protocol protocol) => protocol.ToString().ToUpperInvariant();
}
