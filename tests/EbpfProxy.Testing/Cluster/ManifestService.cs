namespace EbpfProxy.Testing.Cluster;

/// <summary>One port of a service, and where it is answered.</summary>
public sealed record ManifestPort(string Name, int Port, int TargetPort, string Protocol = "TCP", int NodePort = 0);

/// <summary>A Service of one family and the addresses behind it.</summary>
public sealed record ManifestService(string Name, string ClusterIP, IReadOnlyList<ManifestPort> Ports, IReadOnlyList<string> Endpoints)
{
    /// <summary>The same port by TCP and UDP.</summary>
    public ManifestService(string name, string clusterIP, int port, int targetPort, params IEnumerable<string> endpoints)
        : this(name, clusterIP, [new("tcp", port, targetPort), new("udp", port, targetPort, "UDP")], [.. endpoints])
    {
    }

    public string Type { get; init; } = "ClusterIP";

    public IReadOnlyList<string> ExternalIPs { get; init; } = [];

    /// <summary>The addresses that a load balancer was given.</summary>
    public IReadOnlyList<string> LoadBalancerIPs { get; init; } = [];

    public IReadOnlyList<string> SourceRanges { get; init; } = [];

    public string ExternalTrafficPolicy { get; init; } = "Cluster";

    public string InternalTrafficPolicy { get; init; } = "Cluster";

    /// <summary>How long a client stays with its backend; 0 for no session affinity.</summary>
    public int AffinitySeconds { get; init; }

    /// <summary>The port on which load balancers ask for health; 0 where there is none.</summary>
    public int HealthCheckNodePort { get; init; }

    /// <summary>The node of an endpoint, by its address; one that is not here is on no node.</summary>
    public IReadOnlyDictionary<string, string> NodeNames { get; init; } = new Dictionary<string, string>();

    /// <summary>Endpoints that are on their way out and still serve.</summary>
    public IReadOnlyList<string> Draining { get; init; } = [];

    private string Family => ClusterIP.Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4";

    public ManifestService WithEndpoints(params IEnumerable<string> endpoints) => this with { Endpoints = [.. endpoints] };

    /// <summary>The Service as JSON, which is YAML too.</summary>
    public string ServiceJson()
    {
        string ports = string.Join(',', Ports.Select(port =>
            $$$"""{"name":"{{{port.Name}}}","protocol":"{{{port.Protocol}}}","port":{{{port.Port}}},"targetPort":{{{port.TargetPort}}}{{{NodePortOf(port)}}}}"""));
        string ingress = string.Join(',', LoadBalancerIPs.Select(address => $$"""{"ip":"{{address}}"}"""));
        return $$$"""
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"{{{Name}}}","namespace":"default"},"spec":{"clusterIP":"{{{ClusterIP}}}","clusterIPs":["{{{ClusterIP}}}"],"ipFamilies":["{{{Family}}}"],"ports":[{{{ports}}}]{{{External()}}}{{{Affinity()}}} },"status":{"loadBalancer":{"ingress":[{{{ingress}}}]} } }
            """;
    }

    /// <summary>Its EndpointSlice as JSON.</summary>
    public string SliceJson()
    {
        string ports = string.Join(',', Ports.Select(port =>
            $$$"""{"name":"{{{port.Name}}}","protocol":"{{{port.Protocol}}}","port":{{{port.TargetPort}}}}"""));
        string endpoints = string.Join(',', Endpoints.Select(address =>
            $$$"""{"addresses":["{{{address}}}"]{{{NodeNameOf(address)}}},"conditions":{{{ConditionsOf(address)}}} }"""));
        return $$$"""
            {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"{{{Name}}}-1","namespace":"default","labels":{"kubernetes.io/service-name":"{{{Name}}}"}},"addressType":"{{{Family}}}","ports":[{{{ports}}}],"endpoints":[{{{endpoints}}}]}
            """;
    }

    private static string NodePortOf(ManifestPort port) => port.NodePort == 0 ? "" : $",\"nodePort\":{port.NodePort}";

    private static string ArrayOf(IEnumerable<string> texts) => string.Join(',', texts.Select(text => $"\"{text}\""));

    private string NodeNameOf(string address) => NodeNames.TryGetValue(address, out string? node) ? $",\"nodeName\":\"{node}\"" : "";

    private string ConditionsOf(string address) => Draining.Contains(address)
        ? """{"ready":false,"serving":true,"terminating":true}"""
        : """{"ready":true,"serving":true,"terminating":false}""";

    private string Affinity() => AffinitySeconds == 0
        ? ""
        : $$$""","sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":{{{AffinitySeconds}}}}}""" + " ";

    private string External() =>
        $"""
        ,"type":"{Type}","externalTrafficPolicy":"{ExternalTrafficPolicy}","internalTrafficPolicy":"{InternalTrafficPolicy}","healthCheckNodePort":{HealthCheckNodePort},"externalIPs":[{ArrayOf(ExternalIPs)}],"loadBalancerSourceRanges":[{ArrayOf(SourceRanges)}]
        """;
}
