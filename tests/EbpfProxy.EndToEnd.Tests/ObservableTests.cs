using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>What probes, dashboards and people see of a daemon that follows an API server.</summary>
public sealed class ObservableTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    private readonly TestNode _node = new();

    public void Dispose() => _node.Dispose();

    [KernelFact]
    public async Task NET_05_The_urls_of_kube_proxy_are_answered()
    {
        await using var server = await StartServerAsync();
        using var proxy = StartProxy(server);

        string health = proxy.Health("/healthz");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", health, StringComparison.Ordinal);
        Assert.Matches(
            """\{"lastUpdated":"[0-9T:.-]+Z","currentTime":"[0-9T:.-]+Z","nodeEligible":true,"healthy":true,"status":\{"IPv4":\{"lastUpdated":"[0-9T:.-]+Z","healthy":true\},"IPv6":\{"lastUpdated":"[0-9T:.-]+Z","healthy":true\}\}\}$""",
            health);
        Assert.DoesNotContain("nodeEligible", proxy.Health("/livez"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 404", proxy.Health("/metrics"), StringComparison.Ordinal);

        string mode = proxy.Metrics("/proxyMode");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", mode, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: text/plain; charset=utf-8\r\n", mode, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Content-Type-Options: nosniff\r\n", mode, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nebpf", mode, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nok", proxy.Metrics("/healthz"), StringComparison.Ordinal);
        Assert.Contains("kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"healthz\"} 1", proxy.Metrics("/metrics/slis"), StringComparison.Ordinal);
    }

    [KernelFact]
    public async Task The_process_tells_its_configuration_its_flags_and_its_age()
    {
        await using var server = await StartServerAsync();
        using var proxy = StartProxy(server);

        using var configuration = JsonDocument.Parse(BodyOf(proxy.Metrics("/configz")));
        var theirs = configuration.RootElement.GetProperty("kubeproxy.config.k8s.io");
        Assert.Equal("KubeProxyConfiguration", theirs.GetProperty("kind").GetString());
        Assert.Equal("127.0.0.1:10256", theirs.GetProperty("healthzBindAddress").GetString());

        using var flags = JsonDocument.Parse(BodyOf(proxy.Metrics("/flagz", "Accept: application/json;as=Flagz;v=v1beta1;g=config.k8s.io\r\n")));
        Assert.Equal(_node.Name, flags.RootElement.GetProperty("flags").GetProperty("hostname-override").GetString());

        Assert.Contains("\nkube-proxy statusz\nWarning: ", proxy.Metrics("/statusz"), StringComparison.Ordinal);
    }

    [KernelFact]
    public async Task Node_that_is_on_its_way_out_is_told_to_load_balancers_and_not_to_probes()
    {
        await using var server = await StartServerAsync();
        using var proxy = StartProxy(server);

        server.Apply(NodeJson(",'spec':{'taints':[{'key':'ToBeDeletedByClusterAutoscaler','effect':'NoSchedule'}]}"));

        Eventually.Holds(() => proxy.Health("/healthz").StartsWith("HTTP/1.1 503", StringComparison.Ordinal), _deadline);
        Assert.Contains("\"nodeEligible\":false,\"healthy\":true", proxy.Health("/healthz"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", proxy.Health("/livez"), StringComparison.Ordinal);
        Assert.True(proxy.Metric("kubeproxy_proxy_healthz_total{code=\"503\"}") >= 2);
        Assert.Equal(1, proxy.Metric("kubeproxy_proxy_livez_total{code=\"200\"}"));

        server.Apply(NodeJson(",'spec':{'taints':[{'key':'other','effect':'NoSchedule'}]}"));

        Eventually.Holds(() => proxy.Health("/healthz").StartsWith("HTTP/1.1 200", StringComparison.Ordinal), _deadline);
    }

    [KernelFact]
    public async Task Start_is_an_event_of_the_node()
    {
        await using var server = await StartServerAsync();
        using var proxy = StartProxy(server);

        Eventually.Holds(() => server.Events.Count == 1, _deadline);

        var started = server.Events.Single();
        Assert.Equal("Starting", $"{started["reason"]}");
        Assert.Equal("Node", $"{started["regarding"]!["kind"]}");
        Assert.Equal(_node.Name, $"{started["regarding"]!["name"]}");
        string counted = $"rest_client_requests_total{{code=\"201\",method=\"POST\",host=\"{server.Address.Authority}\"}}";
        Eventually.Holds(() => proxy.Metric(counted) == 1, _deadline);
    }

    [KernelFact]
    public async Task Address_that_must_be_had_and_cannot_be_ends_the_daemon_with_an_event()
    {
        await using var server = await StartServerAsync();
        using var first = StartProxy(server);
        using var other = new TestNode(2);
        string kubeconfig = Path.Combine(_node.Manifests.Path, "kubeconfig");

        // The second node's daemon runs in the network of the first, where the addresses are taken.
        using var second = _node.Host.Start(
            [_node.Binary, .. NodeProxy.Arguments(other), "--kubeconfig", kubeconfig, "--bind-address-hard-fail"]);

        Assert.Equal(1, second.WaitForExit());
        Assert.Contains(server.Events, e => $"{e["reason"]}" is "FailedToStartProxierHealthcheck" or "FailedToStartMetricServer" && $"{e["type"]}" == "Warning");
    }

    [KernelFact]
    public async Task SY_13_Without_its_server_the_daemon_is_healthy()
    {
        await using var server = await StartServerAsync();
        using var proxy = StartProxy(server);

        await server.StopAsync();
        proxy.WaitForLog(line => line.Contains("Following services failed", StringComparison.Ordinal));

        Assert.StartsWith("HTTP/1.1 200", proxy.Health("/healthz"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", proxy.Health("/livez"), StringComparison.Ordinal);
    }

    [KernelFact]
    public async Task Daemon_is_asked_where_it_serves_its_health_and_one_that_hangs_is_told_from_one_that_has_nothing_to_do()
    {
        await using var server = await StartServerAsync();
        using var proxy = StartProxy(server);

        Eventually.Holds(() => _node.Command("probe", "readiness").ExitCode == 0, _deadline);
        Assert.Equal("http://127.0.0.1:10256/livez answers 200\n", _node.Command("probe").Output);
        Assert.Contains("\nhealth       http://127.0.0.1:10256/readyz answers 200\n", _node.Command("status").Output, StringComparison.Ordinal);

        proxy.Suspend();
        var silent = _node.Command("probe", "liveness");
        Assert.Equal((1, "error: probe: http://127.0.0.1:10256/livez: no answer within 4 s\n"), (silent.ExitCode, silent.Error));
        Assert.Contains("\nhealth       http://127.0.0.1:10256/readyz: no answer within 4 s\n", _node.Command("status").Output, StringComparison.Ordinal);

        proxy.Kill();
        var gone = _node.Command("probe", "startup");
        Assert.Equal(1, gone.ExitCode);
        Assert.StartsWith("error: probe: no daemon runs that has its tables below", gone.Error, StringComparison.Ordinal);
    }

    [KernelFact]
    public async Task What_programs_cost_and_how_full_maps_are_is_told()
    {
        using var statistics = BpfRunStatistics.Enable();
        await using var server = await StartServerAsync();
        server.Apply("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"empty","namespace":"default"},"spec":{"clusterIP":"10.96.0.30","clusterIPs":["10.96.0.30"],"ports":[{"port":80},{"name":"more","port":81}]}}""");
        using var proxy = StartProxy(server);

        Assert.Equal("connect ECONNREFUSED", _node.Host.AskInVain("tcp4", "10.96.0.30", 80));

        // Its own connections to the API server count, too.
        Assert.InRange(proxy.Metric("ebpf_proxy_program_runs_total{program=\"proxy_connect4\"}"), 1, 100);
        Assert.InRange(proxy.Metric("ebpf_proxy_program_run_seconds_total{program=\"proxy_connect4\"}"), 1e-8, 1);
        Assert.Equal(0, proxy.Metric("ebpf_proxy_program_runs_total{program=\"proxy_connect6\"}"));
        Assert.Equal((2, 2), (proxy.Metric("ebpf_proxy_map_entries{map=\"services\"}"), proxy.Metric("ebpf_proxy_map_entries{map=\"frontends\"}")));
        Assert.True(proxy.Metric("ebpf_proxy_map_capacity{map=\"connections\"}") > 0);
    }

    [KernelFact]
    public async Task Log_is_quiet_while_all_is_well()
    {
        await using var server = await StartServerAsync();
        server.Apply(NodeJson($",'status':{{'addresses':[{{'type':'InternalIP','address':'{_node.IPv4}'}}]}}"));
        server.Apply("""{"apiVersion":"v1","kind":"Service","metadata":{"name":"empty","namespace":"default"},"spec":{"clusterIP":"10.96.0.30","clusterIPs":["10.96.0.30"],"ports":[{"port":80}]}}""");
        string kubeconfig = new Kubeconfig { Server = server.Address }.Write(Path.Combine(_node.Manifests.Path, "kubeconfig"));

        // As verbose as it is by default.
        using var daemon = _node.Host.Start([_node.Binary, .. NodeProxy.Arguments(_node)[..^2], "--kubeconfig", kubeconfig]);
        daemon.ReadLine(line => line.Contains("Applied 1 services", StringComparison.Ordinal));
        PassTheTime(server);
        var before = daemon.Lines;
        for (int round = 0; round < 5; round++)
        {
            PassTheTime(server);
            Assert.Equal("connect ECONNREFUSED", _node.Host.AskInVain("tcp4", "10.96.0.30", 80));
        }

        Assert.NotEmpty(before);
        Assert.Equal(before, daemon.Lines);
    }

    /// <summary>What comes every few minutes: a bookmark, then the end of each watch, none of which was too short, and a new one.</summary>
    private void PassTheTime(KubernetesApiServer server)
    {
        Eventually.Holds(() => Values("ebpf_proxy_watch_age_seconds").All(age => age > 1.1), _deadline);
        double[] begun = Values("ebpf_proxy_watches_total");
        server.SendBookmarks();
        server.EndWatches();
        Eventually.Holds(() => Values("ebpf_proxy_watches_total").Zip(begun).All(pair => pair.First > pair.Second), _deadline);
    }

    /// <summary>The values of all series of a metric.</summary>
    private double[] Values(string metric) =>
    [
        .. RawHttp.Get(_node.Host, "127.0.0.1", 10249, "/metrics").Split('\n')
            .Where(line => line.StartsWith(metric + "{", StringComparison.Ordinal))
            .Select(line => double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture)),
    ];

    private static string BodyOf(string answer) => answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];

    private string NodeJson(string more = "") => $$"""{'apiVersion':'v1','kind':'Node','metadata':{'name':'{{_node.Name}}'}{{more}}}""";

    private async Task<KubernetesApiServer> StartServerAsync()
    {
        var server = await KubernetesApiServer.StartAsync(new() { Namespace = _node.Network });
        server.Apply(NodeJson());
        return server;
    }

    private NodeProxy StartProxy(KubernetesApiServer server)
    {
        string kubeconfig = Path.Combine(_node.Manifests.Path, "kubeconfig");
        new Kubeconfig { Server = server.Address }.Write(kubeconfig);
        return _node.StartProxy("--kubeconfig", kubeconfig);
    }
}
