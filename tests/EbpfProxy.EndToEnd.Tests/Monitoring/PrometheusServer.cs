using System.Text.Json;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>The distribution's Prometheus on a node: it scrapes the node's daemon every second and goes by our alert rules.</summary>
internal sealed class PrometheusServer : IDisposable
{
    private const string Address = "127.0.0.1";
    private const int Port = 9090;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ebpf-proxy-prometheus-");
    private readonly TestNode _node;
    private readonly LineProcess _process;

    public PrometheusServer(TestNode node)
    {
        _node = node;
        string root = Repository.Path!;
        var rules = File.ReadLines(Path.Combine(root, "deploy/components/prometheus/rules.yaml"));
        File.WriteAllLines(Path.Combine(_folder.FullName, "rules.yaml"), rules.SkipWhile(line => line != "spec:").Skip(1).Select(line => line[2..]));
        File.WriteAllText(Path.Combine(_folder.FullName, "prometheus.yaml"), $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: [rules.yaml]
            scrape_configs:
            - job_name: ebpf-proxy
              static_configs:
              - targets: ["127.0.0.1:10249"]
                labels: { node: "{{node.Name}}" }
            """);
        _process = node.Host.Start(
            Path.Combine(root, ".artifacts/deps/prometheus/usr/bin/prometheus"),
            $"--config.file={Path.Combine(_folder.FullName, "prometheus.yaml")}",
            $"--storage.tsdb.path={Path.Combine(_folder.FullName, "data")}",
            $"--web.listen-address={Address}:{Port}");
    }

    /// <summary>How many series a query gives now.</summary>
    /// <exception cref="IOException">Prometheus does not answer, or not with a result.</exception>
    public int Count(string query)
    {
        string answer = RawHttp.Get(_node.Host, Address, Port, $"/api/v1/query?query={Uri.EscapeDataString(query)}");
        int body = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (!answer.StartsWith("HTTP/1.0 200", StringComparison.Ordinal))
        {
            throw new IOException($"{query}: {answer[..Math.Min(answer.Length, 500)]}");
        }

        string text = answer[(body + 4)..];
        using var json = JsonDocument.Parse(text[text.IndexOf('{')..(text.LastIndexOf('}') + 1)]);
        return json.RootElement.GetProperty("data").GetProperty("result").GetArrayLength();
    }

    public void Dispose()
    {
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
