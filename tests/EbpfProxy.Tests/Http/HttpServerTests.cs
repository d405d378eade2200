using System.Net;
using System.Net.Sockets;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;
using EbpfProxy.Daemon;
using EbpfProxy.Http;
using EbpfProxy.Http.Live;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Tests.Daemon;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Prometheus;

namespace EbpfProxy.Tests.Http;

public sealed class HttpServerTests : IAsyncDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    private readonly LogLines _log = new();
    private readonly ServiceProvider _services;
    private readonly FakeTimeProvider _time = new();
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly TaskCompletionSource _firstSync = new();
    private readonly ProxyHealth _health;
    private readonly ClusterCache _cache = new(new NoListener());
    private readonly HttpClient _client = new();
    private readonly IPEndPoint _address = FreeAddress();
    private HttpServer? _server;
    private IReadOnlyList<string> _unmatched = [];

    public HttpServerTests()
    {
        _health = new ProxyHealth(_time, TimeSpan.FromSeconds(60));
        _services = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Debug).AddFilter("Microsoft", LogLevel.None).AddProvider(new OneLog(_log)))
            .BuildServiceProvider();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.StopAsync(CancellationToken.None);
            _server.Dispose();
        }

        _client.Dispose();
        _cache.Dispose();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task Health_is_answered_as_kube_proxy_answers()
    {
        await StartAsync(HealthPages().HandleAsync);
        _cache.SetNode(new ClusterNode("n1", "", [], IsDeleted: false, IsLeaving: false));

        var healthz = await GetAsync("/healthz");
        _health.QueuedUpdate(IpFamily.IPv4);
        _time.Advance(TimeSpan.FromSeconds(60));
        var livez = await GetAsync("/livez");

        Assert.Equal(HttpStatusCode.OK, healthz.StatusCode);
        Assert.Equal("application/json", healthz.Content.Headers.ContentType?.ToString());
        Assert.Equal("nosniff", Assert.Single(healthz.Headers.GetValues("X-Content-Type-Options")));
        Assert.StartsWith("{\"lastUpdated\":", await ReadAsync(healthz), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, livez.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync("/other")).StatusCode);
        string metrics = await ReadAsync(await StartAndGetMetricsAsync());
        Assert.Contains("kubeproxy_proxy_healthz_total{code=\"200\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("kubeproxy_proxy_livez_total{code=\"503\"} 1", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_node_is_ready_when_the_tables_were_complete_once()
    {
        await StartAsync(HealthPages().HandleAsync);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await GetAsync("/readyz")).StatusCode);

        _firstSync.SetResult();

        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/readyz")).StatusCode);
    }

    [Fact]
    public async Task The_node_is_not_ready_while_it_has_none_of_the_devices_that_are_named_and_says_so()
    {
        _firstSync.SetResult();
        _unmatched = ["ehh*", "bond7"];
        await StartAsync(HealthPages().HandleAsync);
        _cache.SetNode(new ClusterNode("n1", "", [], IsDeleted: false, IsLeaving: false));

        var readyz = await GetAsync("/readyz");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, readyz.StatusCode);
        Assert.Contains("\"notReady\":\"--devices (ehh*, bond7) names no device of this node", await ReadAsync(readyz), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/healthz")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("/livez")).StatusCode);
        Assert.DoesNotContain("notReady", await ReadAsync(await GetAsync("/livez")), StringComparison.Ordinal);
        string metrics = await ReadAsync(await StartAndGetMetricsAsync());
        Assert.Contains("ebpf_proxy_not_ready{reason=\"devices\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("ebpf_proxy_not_ready{reason=\"first_sync\"} 0", metrics, StringComparison.Ordinal);
        Assert.Contains("ebpf_proxy_not_ready{reason=\"late_sync\"} 0", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_node_is_not_ready_while_a_part_hangs_and_is_not_said_to_have_a_change_that_waits()
    {
        _firstSync.SetResult();
        _health.Updated(IpFamily.IPv4);
        _health.Expect("node");
        _time.Advance(TimeSpan.FromHours(1));
        await StartAsync(HealthPages().HandleAsync);

        var readyz = await GetAsync("/readyz");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, readyz.StatusCode);
        Assert.Contains("\"notReady\":\"what does not come to an end: node\"", await ReadAsync(readyz), StringComparison.Ordinal);
        string metrics = await ReadAsync(await StartAndGetMetricsAsync());
        Assert.Contains("ebpf_proxy_not_ready{reason=\"hanging\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("ebpf_proxy_not_ready{reason=\"late_sync\"} 0", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_balancers_are_told_of_a_node_that_leaves_and_the_kubelet_is_not()
    {
        await StartAsync(HealthPages().HandleAsync);
        _firstSync.SetResult();
        _cache.SetNode(new ClusterNode("n1", "", [], IsDeleted: false, IsLeaving: true));

        var healthz = await GetAsync("/healthz");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, healthz.StatusCode);
        Assert.Contains("\"nodeEligible\":false,\"healthy\":true", await ReadAsync(healthz), StringComparison.Ordinal);
        foreach (string path in new[] { "/livez", "/readyz" })
        {
            var answer = await GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.DoesNotContain("nodeEligible", await ReadAsync(answer), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/livez")]
    [InlineData("/readyz")]
    public async Task A_proxy_that_does_not_keep_up_says_so_everywhere(string path)
    {
        await StartAsync(HealthPages().HandleAsync);
        _firstSync.SetResult();
        _cache.SetNode(new ClusterNode("n1", "", [], IsDeleted: false, IsLeaving: false));
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(path)).StatusCode);

        _health.QueuedUpdate(IpFamily.IPv4);
        _time.Advance(TimeSpan.FromSeconds(60));

        var late = await GetAsync(path);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
        Assert.Contains("\"healthy\":false", await ReadAsync(late), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_are_told_in_the_format_that_Prometheus_asks_for()
    {
        Metrics.WithCustomRegistry(_registry).CreateCounter("some_total", "Some").Inc();
        await StartAsync(MetricsPages().HandleAsync);

        var metrics = await GetAsync("/metrics");

        Assert.Equal(HttpStatusCode.OK, metrics.StatusCode);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", metrics.Content.Headers.ContentType?.ToString());
        Assert.Contains("# TYPE some_total counter\nsome_total 1\n", await ReadAsync(metrics), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_metrics_address_tells_mode_and_health_as_kube_proxy_does()
    {
        await StartAsync(MetricsPages().HandleAsync);

        var mode = await GetAsync("/proxyMode");
        Assert.Equal("ebpf", await ReadAsync(mode));
        Assert.Equal("text/plain; charset=utf-8", mode.Content.Headers.ContentType?.ToString());
        Assert.Equal("ok", await ReadAsync(await GetAsync("/healthz")));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task The_unspecified_address_answers_both_families(string address)
    {
        _server = new HttpServer("test", new IPEndPoint(IPAddress.Any, _address.Port), HealthPages().HandleAsync, giveUp: null, _services, _time);
        await _server.StartAsync(TestContext.Current.CancellationToken);
        await AnswersAsync();

        var answer = await _client.GetAsync(new Uri($"http://{new IPEndPoint(IPAddress.Parse(address), _address.Port)}/livez"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task An_address_that_cannot_be_had_is_tried_again()
    {
        using var other = new TcpListener(_address);
        other.Start();
        await StartAsync(MetricsPages().HandleAsync);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(_server!.ExecuteTask!.IsCompleted);

        other.Stop();

        await AnswersAsync();
    }

    /// <summary>A kube-proxy may hold it for hours.</summary>
    [Fact]
    public async Task An_address_that_cannot_be_had_is_told_once_and_again_that_it_is_served()
    {
        using var other = new TcpListener(_address);
        other.Start();
        await StartAsync(MetricsPages().HandleAsync);
        Assert.True(SpinWait.SpinUntil(() => Count("annot serve test") > 3 || Tick(), _deadline));

        other.Stop();
        await AnswersAsync();

        Assert.True(SpinWait.SpinUntil(() => Count($"Information: Serving test on {_address}") == 1, _deadline));
        Assert.Equal(1, Count($"Warning: Cannot serve test on {_address}"));

        int Count(string line)
        {
            lock (_log.Lines)
            {
                return _log.Lines.Count(each => each.Contains(line, StringComparison.Ordinal));
            }
        }

        bool Tick()
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            Thread.Yield();
            return false;
        }
    }

    [Fact]
    public async Task An_address_that_must_be_had_stops_the_server()
    {
        using var other = new TcpListener(_address);
        other.Start();

        string told = "";
        await StartAsync(MetricsPages().HandleAsync, error =>
        {
            told = error;
            return Task.CompletedTask;
        });

        await Assert.ThrowsAnyAsync<IOException>(() => _server!.ExecuteTask!.WaitAsync(_deadline, TestContext.Current.CancellationToken));
        Assert.Contains($"{_address}", told, StringComparison.Ordinal);
    }

    /// <summary>Each is a file: without a limit who reaches the address could take the last, and no table would be written.</summary>
    [Fact]
    public async Task Connections_of_others_take_no_more_than_their_share_of_the_open_files()
    {
        _server = new HttpServer("test", _address, MetricsPages().HandleAsync, giveUp: null, _services, _time) { MostConnections = 8 };
        await _server.StartAsync(TestContext.Current.CancellationToken);
        await AnswersAsync();
        var crowd = new List<TcpClient>();
        try
        {
            while (crowd.Count < 40)
            {
                var one = new TcpClient();
                crowd.Add(one);
                await one.ConnectAsync(_address, TestContext.Current.CancellationToken);
                await one.GetStream().WriteAsync("GET /healthz HTTP/1.1\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
            }

            Assert.True(SpinWait.SpinUntil(() => crowd.Count(IsClosed) >= 32, _deadline));
            Assert.Contains(crowd, one => !IsClosed(one));
        }
        finally
        {
            crowd.ForEach(one => one.Dispose());
        }

        // They go a moment later.
        using var limit = new CancellationTokenSource(_deadline);
        while (true)
        {
            try
            {
                Assert.Equal(HttpStatusCode.OK, (await GetAsync("/healthz")).StatusCode);
                break;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(10, limit.Token);
            }
        }

        // What is there to be read of a connection that is closed is its end.
        static bool IsClosed(TcpClient one) => one.Client.Poll(0, SelectMode.SelectRead);
    }

    private static IPEndPoint FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (IPEndPoint)listener.LocalEndpoint;
    }

    private static async Task<string> ReadAsync(HttpResponseMessage response) =>
        await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    private HealthPages HealthPages()
    {
        var metrics = Metrics.WithCustomRegistry(_registry);
        return new(_health, _cache, new HealthMetrics(metrics), new Readiness(_firstSync.Task, _health, () => _unmatched, metrics, _registry));
    }

    private MetricsPages MetricsPages() => new(
        _registry,
        new PingMetrics(),
        new StatusPages("1.2.3", new Dictionary<string, string> { ["v"] = "4" }, EbpfProxy.Http.MetricsPages.Paths, _time),
        () => "{}"u8.ToArray(),
        new LivePage(_ => throw new IOException("no maps here"), isOpen: false));

    private async Task StartAsync(RequestDelegate handle, Func<string, Task>? giveUp = null)
    {
        _server = new HttpServer("test", _address, handle, giveUp, _services, _time);
        await _server.StartAsync(TestContext.Current.CancellationToken);
    }

    private async Task<HttpResponseMessage> StartAndGetMetricsAsync()
    {
        await _server!.StopAsync(CancellationToken.None);
        _server.Dispose();
        await StartAsync(MetricsPages().HandleAsync);
        return await GetAsync("/metrics");
    }

    /// <summary>Asks until there is an answer: the server starts beside the test.</summary>
    private async Task<HttpResponseMessage> GetAsync(string path)
    {
        await AnswersAsync();
        return await _client.GetAsync(new Uri($"http://{_address}{path}"), TestContext.Current.CancellationToken);
    }

    private async Task AnswersAsync()
    {
        using var limit = new CancellationTokenSource(_deadline);
        while (true)
        {
            try
            {
                using var socket = new TcpClient();
                await socket.ConnectAsync(_address, limit.Token);
                return;
            }
            catch (SocketException)
            {
                _time.Advance(TimeSpan.FromSeconds(5));
                await Task.Delay(10, limit.Token);
            }
        }
    }

    private sealed class OneLog(ILogger log) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }
}
