using System.Text;

namespace EbpfProxy.Testing.Cluster;

/// <summary>One port of a service, and where it is answered.</summary>
public sealed record ManifestPort(string Name, int Port, int TargetPort, string Protocol = "TCP");

/// <summary>A Service of one family and the addresses behind it.</summary>
public sealed record ManifestService(string Name, string ClusterIP, IReadOnlyList<ManifestPort> Ports, IReadOnlyList<string> Endpoints)
{
    /// <summary>The same port by TCP and UDP.</summary>
    public ManifestService(string name, string clusterIP, int port, int targetPort, params IEnumerable<string> endpoints)
        : this(name, clusterIP, [new("tcp", port, targetPort), new("udp", port, targetPort, "UDP")], [.. endpoints])
    {
    }

    private string Family => ClusterIP.Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4";

    public ManifestService WithEndpoints(params IEnumerable<string> endpoints) => this with { Endpoints = [.. endpoints] };

    /// <summary>The Service as JSON, which is YAML too.</summary>
    public string ServiceJson()
    {
        string ports = string.Join(',', Ports.Select(port =>
            $$$"""{"name":"{{{port.Name}}}","protocol":"{{{port.Protocol}}}","port":{{{port.Port}}},"targetPort":{{{port.TargetPort}}}}"""));
        return $$$"""
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"{{{Name}}}","namespace":"default"},"spec":{"clusterIP":"{{{ClusterIP}}}","clusterIPs":["{{{ClusterIP}}}"],"ipFamilies":["{{{Family}}}"],"ports":[{{{ports}}}]}}
            """;
    }

    /// <summary>Its EndpointSlice as JSON.</summary>
    public string SliceJson()
    {
        string ports = string.Join(',', Ports.Select(port =>
            $$$"""{"name":"{{{port.Name}}}","protocol":"{{{port.Protocol}}}","port":{{{port.TargetPort}}}}"""));
        string endpoints = string.Join(',', Endpoints.Select(address =>
            $$$"""{"addresses":["{{{address}}}"],"conditions":{"ready":true,"serving":true,"terminating":false}}"""));
        return $$$"""
            {"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"{{{Name}}}-1","namespace":"default","labels":{"kubernetes.io/service-name":"{{{Name}}}"}},"addressType":"{{{Family}}}","ports":[{{{ports}}}],"endpoints":[{{{endpoints}}}]}
            """;
    }
}

/// <summary>A folder of manifests, a file a service.</summary>
public sealed class ManifestDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("manifests-").FullName;

    /// <summary>Writes services, each in place of what was there under its name.</summary>
    public void Write(params IEnumerable<ManifestService> services)
    {
        foreach (var service in services)
        {
            WriteText(service.Name, new StringBuilder(service.ServiceJson()).Append("\n---\n").Append(service.SliceJson()).ToString());
        }
    }

    /// <summary>Writes a file as it is. It comes into place at once, as an editor does it.</summary>
    public void WriteText(string name, string yaml)
    {
        string path = System.IO.Path.Combine(Path, name + ".yaml");
        File.WriteAllText(path + ".new", yaml);
        File.Move(path + ".new", path, overwrite: true);
    }

    public void Delete(string name) => File.Delete(System.IO.Path.Combine(Path, name + ".yaml"));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
