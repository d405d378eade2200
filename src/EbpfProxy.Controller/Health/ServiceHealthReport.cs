using System.Text.Json;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Health;

/// <summary>What a load balancer is told at a healthCheckNodePort, as kube-proxy words it.</summary>
/// <param name="Service">The Service.</param>
/// <param name="LocalEndpoints">How many ready endpoints it has on this node.</param>
/// <param name="IsProxyHealthy">Whether the proxy keeps up. Whether the node is on its way out is not asked here.</param>
public sealed record ServiceHealthReport(ObjectName Service, int LocalEndpoints, bool IsProxyHealthy)
{
    private static readonly JsonWriterOptions _tabs = new() { Indented = true, IndentCharacter = '\t', IndentSize = 1, NewLine = "\n" };

    public int StatusCode => LocalEndpoints > 0 && IsProxyHealthy ? 200 : 503;

    public byte[] ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, _tabs))
        {
            json.WriteStartObject();
            json.WriteStartObject("service");
            json.WriteString("namespace", Service.Namespace);
            json.WriteString("name", Service.Name);
            json.WriteEndObject();
            json.WriteNumber("localEndpoints", LocalEndpoints);
            json.WriteBoolean("serviceProxyHealthy", IsProxyHealthy);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }
}
