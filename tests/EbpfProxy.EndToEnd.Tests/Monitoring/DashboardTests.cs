using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>The dashboard, on a daemon under load that the distribution's Prometheus scrapes.</summary>
[Collection(typeof(AloneOnTheMachine))]
public sealed class DashboardTests : IDisposable
{
    private const string Web = "10.96.0.10";
    private const string Empty = "10.96.0.11";

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(90);

    private readonly TestNode _node = new();

    public void Dispose() => _node.Dispose();

    [KernelFact]
    public async Task Every_panel_has_data_and_no_alert_fires_but_that_of_an_object_that_makes_no_sense()
    {
        var (a, b, client) = (_node.AddPod("a"), _node.AddPod("b"), _node.AddPod("client"));
        a.Serve("8080");
        b.Serve("8080");
        await using var server = await KubernetesApiServer.StartAsync(new() { Namespace = _node.Network });
        Apply(server, "web", Web, a.IPv4);
        Apply(server, "empty", Empty);
        server.Apply("""{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"default","name":"odd"},"spec":{"clusterIP":"10.96.0.999","ports":[{"port":80}]}}""");
        string kubeconfig = new Kubeconfig { Server = server.Address }.Write(Path.Combine(_node.Manifests.Path, "kubeconfig"));
        using var proxy = _node.StartProxy("--kubeconfig", kubeconfig);
        using var prometheus = new PrometheusServer(_node, AlertRules.Shipped);
        using var load = client.Place.Load("tcp", (Web, 80, ""));
        load.WaitForMore(100);

        int round = 0;
        foreach (var (panel, query) in Queries())
        {
            Eventually.Succeeds(
                () =>
                {
                    // What is seldom counts as well: a refusal, and a change of endpoints that says when it was made.
                    Assert.Equal("connect ECONNREFUSED", client.Place.AskInVain("tcp4", Empty, 80));
                    Apply(server, "web", Web, [a.IPv4, .. round++ % 2 == 0 ? [b.IPv4] : Array.Empty<string>()]);
                    if (prometheus.Count(query) == 0)
                    {
                        throw new IOException($"{panel}: nothing for {query}");
                    }
                },
                _deadline);
        }

        Assert.True(prometheus.Count("up == 1") == 1, "the daemon is scraped");
        load.EndWithoutFailure();

        // It was there before the daemon was, and no panel would show it else.
        Assert.Equal([new RaisedAlert("EbpfProxyObjectsSkipped", "firing", _node.Name)], prometheus.Alerts());
    }

    private static IEnumerable<(string Panel, string Query)> Queries()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Path!, "deploy/components/prometheus/dashboard.json")));
        foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("targets", out _)))
        {
            foreach (var target in panel.GetProperty("targets").EnumerateArray())
            {
                string query = target.GetProperty("expr").GetString()!;
                yield return (
                    panel.GetProperty("title").GetString()!,
                    query.Replace("$node", ".*", StringComparison.Ordinal).Replace("$__rate_interval", "1m", StringComparison.Ordinal));
            }
        }
    }

    private static void Apply(KubernetesApiServer server, string name, string clusterIP, params IEnumerable<string> addresses)
    {
        server.Apply(JsonSerializer.Serialize(new
        {
            apiVersion = "v1",
            kind = "Service",
            metadata = new { @namespace = "default", name },
            spec = new { clusterIP, clusterIPs = new[] { clusterIP }, ports = new[] { new { name = "http", port = 80, protocol = "TCP" } } },
        }));
        server.Apply(JsonSerializer.Serialize(new
        {
            apiVersion = "discovery.k8s.io/v1",
            kind = "EndpointSlice",
            metadata = new
            {
                @namespace = "default",
                name = $"{name}-1",
                labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = name },
                annotations = new Dictionary<string, string> { ["endpoints.kubernetes.io/last-change-trigger-time"] = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture) },
            },
            addressType = "IPv4",
            endpoints = addresses.Select(address => new { addresses = new[] { address } }),
            ports = new[] { new { name = "http", port = 8080, protocol = "TCP" } },
        }));
    }
}
