using System.Text;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;
using EbpfProxy.Controller.Sync;
using EbpfProxy.Controller.Tests.Cache;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Prometheus;

namespace EbpfProxy.Controller.Tests.Sync;

public sealed class SyncLoopTests : IAsyncDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly RecordingDatapath _datapath = new();
    private readonly ProxyHealth _health;
    private readonly ClusterCache _cache;
    private readonly SyncLoop _loop;

    public SyncLoopTests()
    {
        _health = new ProxyHealth(_time, TimeSpan.FromSeconds(60));
        var metrics = new SyncMetrics(Metrics.WithCustomRegistry(_registry), _health, _time);
        _cache = new ClusterCache(metrics, _time.GetUtcNow());
        _loop = new SyncLoop(_cache, _datapath, node => new NodeContext("n1", node?.Zone ?? ""), metrics, healthChecks: null, _time, NullLogger<SyncLoop>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.StopAsync(CancellationToken.None);
        _loop.Dispose();
        _cache.Dispose();
    }

    [Fact]
    public async Task Nothing_is_applied_before_every_first_list_is_complete()
    {
        await StartAsync();
        ListServices("web");
        ListSlices(Sample.Slice("web-1", "web", 1));
        Assert.False(_datapath.TryTake(out _));

        _cache.SetNode(null);

        var call = await _datapath.NextAsync();
        Assert.True(call.IsComplete);
        Assert.Equal(["+web"], call.Names);
        Assert.Single(Assert.Single(call.Changes[0].Tables!.Ports).Backends);
    }

    [Fact]
    public async Task A_change_costs_the_service_that_it_is_about()
    {
        await SyncAsync("api", "web");

        _cache.SetSlice(Sample.Slice("web-1", "web", 1, 2));

        var call = await _datapath.NextAsync();
        Assert.False(call.IsComplete);
        Assert.Equal(["+web"], call.Names);
    }

    [Fact]
    public async Task A_removed_service_is_applied_without_tables()
    {
        await SyncAsync("api", "web");

        _cache.RemoveService(Sample.Name("api"));

        Assert.Equal(["-api"], (await _datapath.NextAsync()).Names);
    }

    [Fact]
    public async Task ServiceCIDR_that_appears_later_counts_at_once()
    {
        await SyncAsync("web");
        Assert.True(Prefix.TryParse("10.96.0.0/16", out var prefix));

        _cache.SetServicePrefixes([prefix]);

        Assert.Empty((await _datapath.NextAsync()).Names);
        await _datapath.PrefixesAre([prefix]);
    }

    [Fact]
    public async Task What_comes_while_a_change_is_applied_is_taken_together()
    {
        await SyncAsync("api", "web");
        var gate = new TaskCompletionSource();
        _datapath.Gate = () => gate.Task;
        _cache.SetService(Sample.Service("web", port: 81));
        await _datapath.NextAsync();

        _cache.SetService(Sample.Service("api", port: 81));
        _cache.SetService(Sample.Service("new"));
        gate.SetResult();

        Assert.Equal(["+api", "+new"], (await _datapath.NextAsync()).Names);
    }

    [Fact]
    public async Task After_a_failure_every_service_is_applied_again()
    {
        await SyncAsync("api", "web");
        var gate = new TaskCompletionSource();
        _datapath.Gate = () => gate.Task;
        _cache.SetService(Sample.Service("web", port: 81));
        await _datapath.NextAsync();
        _datapath.Failures = 2;
        _cache.RemoveService(Sample.Name("api"));
        _cache.SetService(Sample.Service("new"));
        gate.SetResult();
        Assert.Equal(2, (await _datapath.NextAsync()).Changes.Count);

        var second = await NextRetryAsync();
        var third = await NextRetryAsync();

        Assert.True(second.IsComplete);
        Assert.Equal(["+new", "+web"], second.Names);
        Assert.Equal(second.Names, third.Names);
        await WaitForAsync("ebpf_proxy_sync_failures_total 2");
        await WaitForAsync("kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family=\"IPv6\"} 2");
    }

    /// <summary>As with a folder of manifests of which a file cannot be read: what is not told of is not removed.</summary>
    [Fact]
    public async Task A_service_that_goes_with_a_sync_that_fails_goes_with_the_next_although_the_unknown_is_kept()
    {
        _cache.KeepUnknown(true);
        await SyncAsync("api", "web");
        _datapath.Failures = 1;

        _cache.RemoveService(Sample.Name("api"));
        Assert.Equal(["-api"], (await _datapath.NextAsync()).Names);

        var retry = await NextRetryAsync();
        Assert.False(retry.IsComplete);
        Assert.Equal(["-api", "+web"], retry.Names);
    }

    [Fact]
    public async Task State_says_when_the_maps_were_right_and_what_is_wrong_since()
    {
        Assert.Equal(new SyncState(null, null), _loop.State);
        await SyncAsync("web");
        var first = _time.GetUtcNow();
        await Eventually(() => _loop.State == new SyncState(first, null));

        _datapath.Failures = 1;
        _cache.SetService(Sample.Service("web", port: 81));
        await _datapath.NextAsync();
        await Eventually(() => _loop.State.Error is not null);
        Assert.Equal(first, _loop.State.LastSync);

        await NextRetryAsync();
        await Eventually(() => _loop.State is { Error: null, LastSync: { } last } && last > first);
    }

    [Fact]
    public async Task A_first_sync_that_fails_is_complete_when_it_is_tried_again()
    {
        _datapath.Failures = 1;
        await StartAsync();
        ListServices("web");
        ListSlices();
        _cache.SetNode(null);
        Assert.True((await _datapath.NextAsync()).IsComplete);
        Assert.False(_loop.FirstSync.IsCompleted);

        var retry = await NextRetryAsync();

        Assert.True(retry.IsComplete);
        await _loop.FirstSync.WaitAsync(_deadline, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_sync_that_hangs_makes_the_proxy_unhealthy()
    {
        await SyncAsync("web");
        var gate = new TaskCompletionSource();
        _datapath.Gate = () => gate.Task;
        _cache.SetService(Sample.Service("web", port: 81));
        await _datapath.NextAsync();

        _time.Advance(TimeSpan.FromSeconds(60));

        Assert.Equal(503, _health.Live().StatusCode);
        gate.SetResult();
        Assert.True(SpinWait.SpinUntil(() => _health.Live().StatusCode == 200, _deadline));
    }

    [Fact]
    public async Task Kube_proxys_metrics_are_told_under_their_names()
    {
        await SyncAsync("web");
        _time.Advance(TimeSpan.FromSeconds(1));
        var trigger = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromSeconds(3));

        _cache.SetSlice(Sample.Slice("web-1", "web", 1) with { TriggerTime = trigger });
        _cache.SetSlice(Sample.Slice("web-2", "web", 1) with { TriggerTime = trigger.AddDays(-1) });
        _cache.SetSlice(Sample.Slice("web-6", "web") with { Family = IpFamily.IPv6, TriggerTime = trigger.AddSeconds(2) });

        await _datapath.NextAsync();

        // They are told one after the other, and the changes may be applied together or not.
        await WaitForAsync("kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"3\"} 1");
        await WaitForAsync("kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv6\",le=\"1\"} 1");
        await WaitForAsync("kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"300\"} 1");
        await WaitForAsync("kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"16.384\"}");
        await WaitForAsync("kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"} 1");
        await WaitForAsync("kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv6\"} 1767323049");
        await WaitForAsync("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv4\"} 1767323049");
        await WaitForAsync("kubeproxy_sync_proxy_rules_service_changes_total 1");
        await WaitForAsync("kubeproxy_sync_proxy_rules_endpoint_changes_total 3");
        await WaitForAsync("kubeproxy_sync_proxy_rules_endpoint_changes_pending 0");
    }

    private async Task StartAsync() => await _loop.StartAsync(TestContext.Current.CancellationToken);

    private async Task SyncAsync(params string[] services)
    {
        await StartAsync();
        ListServices(services);
        ListSlices();
        _cache.SetNode(null);
        await _datapath.NextAsync();
        await _loop.FirstSync.WaitAsync(_deadline, TestContext.Current.CancellationToken);
    }

    private static async Task Eventually(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(_deadline);
        while (!condition())
        {
            await Task.Delay(5, deadline.Token);
        }
    }

    /// <summary>Lets time pass until the loop tries again: it may not have begun to wait when the first step is made.</summary>
    private async Task<RecordingDatapath.Call> NextRetryAsync()
    {
        using var limit = new CancellationTokenSource(_deadline);
        while (true)
        {
            if (_datapath.TryTake(out var call))
            {
                return call;
            }

            _time.Advance(TimeSpan.FromMilliseconds(10));
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private void ListServices(params string[] names)
    {
        using var list = _cache.BeginServices();
        foreach (string name in names)
        {
            list.Add(Sample.Service(name));
        }

        list.Complete();
    }

    private void ListSlices(params EndpointSlice[] slices)
    {
        using var list = _cache.BeginSlices();
        foreach (var slice in slices)
        {
            list.Add(slice);
        }

        list.Complete();
    }

    private async Task WaitForAsync(string line)
    {
        using var limit = new CancellationTokenSource(_deadline);
        while (!(await ExportAsync()).Contains(line, StringComparison.Ordinal))
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private async Task<string> ExportAsync()
    {
        using var stream = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(stream, CancellationToken.None);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
