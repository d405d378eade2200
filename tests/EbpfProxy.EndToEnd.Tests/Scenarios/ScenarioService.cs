using System.Text.Json;
using System.Text.Json.Serialization;
using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Scenarios;

/// <summary>A slice of endpoints, and what its ports are by name.</summary>
internal sealed record ScenarioSlice(string Suffix, IReadOnlyList<ManifestPort> Ports, params IReadOnlyList<ScenarioEndpoint> Endpoints);

/// <summary>A service of both families with its slices, as a user and the controllers make them. Its addresses come from its number.</summary>
internal sealed record ScenarioService(string Name, int Number, params IReadOnlyList<ScenarioEndpoint> Endpoints)
{
    private static readonly JsonSerializerOptions _json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public IReadOnlyList<ManifestPort> Ports { get; init; } = [new("tcp", 80, 8080), new("udp", 80, 8080, "UDP")];

    public string Type { get; init; } = "ClusterIP";

    /// <summary>The families, the primary one first.</summary>
    public IReadOnlyList<int> Families { get; init; } = [4, 6];

    public string InternalTrafficPolicy { get; init; } = "Cluster";

    public string? ExternalTrafficPolicy { get; init; }

    public string SessionAffinity { get; init; } = "None";

    public IReadOnlyList<string> ExternalIPs { get; init; } = [];

    public IReadOnlyList<string> SourceRanges { get; init; } = [];

    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    public IReadOnlyDictionary<string, string>? SliceLabels { get; init; }

    /// <summary>Slices that are not one of all endpoints with all ports.</summary>
    public IReadOnlyList<ScenarioSlice>? OwnSlices { get; init; }

    /// <summary>An address of its own instead of that of its number, and only IPv4.</summary>
    public string? OwnClusterIP { get; init; }

    public IReadOnlyList<ScenarioSlice> Slices => OwnSlices ?? (Endpoints.Count == 0 ? [] : [new("all", Ports, Endpoints)]);

    public string ClusterIP(int family) => OwnClusterIP ?? (family == 4 ? $"10.96.1.{Number}" : $"fd00:96::{0x100 + Number:x}");

    /// <summary>The address of its load balancer.</summary>
    public string Balancer(int family) => family == 4 ? $"203.0.113.{Number}" : $"fd00:1b::1:{Number:x}";

    public ScenarioService With(params IReadOnlyList<ScenarioEndpoint> endpoints) => this with { Endpoints = endpoints };

    /// <summary>The same by a node port, which its first port and any other of that number share.</summary>
    public ScenarioService AsNodePort(int nodePort) => this with
    {
        Type = "NodePort",
        Ports = [.. Ports.Select(port => port.Port == Ports[0].Port ? port with { NodePort = nodePort } : port)],
    };

    /// <summary>The Service, and its slices by family, as JSON.</summary>
    public IEnumerable<string> ToObjects()
    {
        yield return ServiceJson();
        foreach (int family in Families)
        {
            foreach (var slice in Slices)
            {
                yield return SliceJson(slice, family);
            }
        }
    }

    public IEnumerable<string> SliceNames() => Families.SelectMany(family => Slices.Select(slice => NameOf(slice, family)));

    private string NameOf(ScenarioSlice slice, int family) => $"{Name}-{slice.Suffix}-{family}";

    private string ServiceJson()
    {
        bool isName = Type == "ExternalName";
        string[]? addresses = isName ? null : [.. Families.Select(ClusterIP)];
        return JsonSerializer.Serialize(
            new
            {
                apiVersion = "v1",
                kind = "Service",
                metadata = new { name = Name, @namespace = "default", labels = Labels },
                spec = new
                {
                    type = Type,
                    clusterIP = addresses?[0],
                    clusterIPs = addresses,
                    ipFamilies = isName ? null : Families.Select(family => $"IPv{family}"),
                    externalName = isName ? "example.com" : null,
                    internalTrafficPolicy = isName ? null : InternalTrafficPolicy,
                    externalTrafficPolicy = ExternalTrafficPolicy ?? (Type is "NodePort" or "LoadBalancer" ? "Cluster" : null),
                    sessionAffinity = SessionAffinity,
                    allocateLoadBalancerNodePorts = Type == "LoadBalancer" ? false : (bool?)null,
                    externalIPs = ExternalIPs,
                    loadBalancerSourceRanges = SourceRanges,
                    ports = Ports.Select(port => new
                    {
                        name = port.Name,
                        protocol = port.Protocol,
                        port = port.Port,
                        targetPort = port.TargetPort,
                        nodePort = port.NodePort == 0 ? (int?)null : port.NodePort,
                    }),
                },
                status = Type != "LoadBalancer" ? null : new
                {
                    loadBalancer = new { ingress = Families.Select(family => new { ip = Balancer(family), ipMode = "VIP" }) },
                },
            },
            _json);
    }

    private string SliceJson(ScenarioSlice slice, int family)
    {
        var labels = new Dictionary<string, string>(SliceLabels ?? new Dictionary<string, string>()) { ["kubernetes.io/service-name"] = Name };
        return JsonSerializer.Serialize(
            new
            {
                apiVersion = "discovery.k8s.io/v1",
                kind = "EndpointSlice",
                metadata = new { name = NameOf(slice, family), @namespace = "default", labels },
                addressType = $"IPv{family}",
                ports = slice.Ports.Select(port => new { name = port.Name, protocol = port.Protocol, port = port.TargetPort }),
                endpoints = slice.Endpoints.Select(endpoint => endpoint.ToJson(family)),
            },
            _json);
    }
}
