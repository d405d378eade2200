using System.Globalization;
using System.Text.Json;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>An alert that Prometheus has: its name, whether it is pending or firing, and the node that it names; empty for none.</summary>
internal sealed record RaisedAlert(string Name, string State, string Node);

/// <summary>
/// The distribution's Prometheus on a node: it scrapes the node's daemon every second, under the job and with the label that the
/// PodMonitor makes, and goes by our alert rules.
/// </summary>
internal sealed class PrometheusServer : IDisposable
{
    private const string Address = "127.0.0.1";
    private const int Port = 9090;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ebpf-proxy-prometheus-");
    private readonly TestNode _node;
    private readonly LineProcess _process;

    /// <param name="node">The node.</param>
    /// <param name="rules">The alert rules.</param>
    public PrometheusServer(TestNode node, string rules)
    {
        _node = node;
        File.WriteAllText(Path.Combine(_folder.FullName, "rules.yaml"), rules);
        File.WriteAllText(Path.Combine(_folder.FullName, "prometheus.yaml"), $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: [rules.yaml]
            scrape_configs:
            - job_name: kube-system/ebpf-proxy
              static_configs:
              - targets: ["127.0.0.1:10249"]
                labels: { node: "{{node.Name}}" }
            """);
        _process = node.Host.Start(
            Path.Combine(Repository.Path!, ".artifacts/deps/prometheus/usr/bin/prometheus"),
            $"--config.file={Path.Combine(_folder.FullName, "prometheus.yaml")}",
            $"--storage.tsdb.path={Path.Combine(_folder.FullName, "data")}",
            $"--web.listen-address={Address}:{Port}");
    }

    /// <summary>How many series a query gives now.</summary>
    /// <exception cref="IOException">Prometheus does not answer, or not with a result.</exception>
    public int Count(string query)
    {
        using var json = Query(query);
        return ResultOf(json).GetArrayLength();
    }

    /// <summary>The value of the only series that a query gives now.</summary>
    /// <inheritdoc cref="Count"/>
    public double Value(string query)
    {
        using var json = Query(query);
        return double.Parse(Assert.Single(ResultOf(json).EnumerateArray()).GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>The alerts that are pending or firing now.</summary>
    /// <inheritdoc cref="Count"/>
    public IReadOnlyList<RaisedAlert> Alerts()
    {
        using var json = Query("ALERTS");
        return [.. ResultOf(json).EnumerateArray().Select(series => series.GetProperty("metric")).Select(labels => new RaisedAlert(
            labels.GetProperty("alertname").GetString()!,
            labels.GetProperty("alertstate").GetString()!,
            labels.TryGetProperty("node", out var node) ? node.GetString()! : ""))];
    }

    public void Dispose()
    {
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static JsonElement ResultOf(JsonDocument json) => json.RootElement.GetProperty("data").GetProperty("result");

    private JsonDocument Query(string query)
    {
        string answer = RawHttp.Get(_node.Host, Address, Port, $"/api/v1/query?query={Uri.EscapeDataString(query)}");
        int body = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (!answer.StartsWith("HTTP/1.0 200", StringComparison.Ordinal))
        {
            throw new IOException($"{query}: {answer[..Math.Min(answer.Length, 500)]}");
        }

        string text = answer[(body + 4)..];
        return JsonDocument.Parse(text[text.IndexOf('{')..(text.LastIndexOf('}') + 1)]);
    }
}
