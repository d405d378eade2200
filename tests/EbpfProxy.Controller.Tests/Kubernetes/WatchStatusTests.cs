using System.Text;
using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class WatchStatusTests
{
    [Fact]
    public void The_age_counts_from_the_start_until_the_server_was_heard_of()
    {
        var begin = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var status = new WatchStatus("services", begin);

        Assert.Equal(TimeSpan.FromSeconds(9), status.Age(begin.AddSeconds(9)));
        status.Heard(begin.AddSeconds(10));

        Assert.Equal(TimeSpan.FromSeconds(2), status.Age(begin.AddSeconds(12)));
    }

    [Fact]
    public void What_the_server_has_not_does_not_grow_old()
    {
        var begin = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var status = new WatchStatus("servicecidrs", begin);

        status.Absent(begin);
        Assert.Equal((TimeSpan.Zero, true), (status.Age(begin.AddHours(1)), status.IsSynced));
        status.Listed(begin.AddHours(1));

        Assert.Equal(TimeSpan.FromSeconds(5), status.Age(begin.AddHours(1).AddSeconds(5)));
    }

    [Fact]
    public async Task The_metrics_tell_how_each_watch_stands_and_what_went_wrong_with_it()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        server.Apply(Cluster.Service("web"));
        var faults = new Queue<ApiFault>([
            new ApiFault.Status(500, "InternalError", "etcd"),
            new ApiFault.Status(410, "Expired", "too old"),
            new ApiFault.Reset(),
            new ApiFault.Body("")]);
        server.Fault = request => request.Resource == "services" && faults.TryDequeue(out var fault) ? fault : null;
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        await source.WaitForSyncAsync();
        await source.WaitAsync(() => source.Watch("services").Events == 1);

        string text = await MetricsAsync(source);

        Assert.Contains("ebpf_proxy_watch_synced{resource=\"services\"} 1", text);
        Assert.Contains("ebpf_proxy_watch_lists_total{resource=\"endpointslices\"} 1", text);
        Assert.Contains("ebpf_proxy_watch_events_total{resource=\"services\"} 1", text);
        Assert.InRange(Value(text, "ebpf_proxy_watch_age_seconds{resource=\"services\"}"), 0, 30);
        foreach (string kind in new[] { "status", "expired", "connection", "stream" })
        {
            Assert.Equal(1, Value(text, $"ebpf_proxy_watch_errors_total{{resource=\"services\",kind=\"{kind}\"}}"));
        }

        Assert.Equal(0, Value(text, "ebpf_proxy_watch_errors_total{resource=\"nodes\",kind=\"status\"}"));
    }

    [Fact]
    public async Task Requests_are_counted_as_client_go_counts_them()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        var faults = new Queue<ApiFault>([new ApiFault.Status(500, "InternalError", "etcd"), new ApiFault.Reset()]);
        server.Fault = request => request.Resource == "services" && faults.TryDequeue(out var fault) ? fault : null;
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();

        string text = await MetricsAsync(source);

        string host = server.Address.Authority;
        Assert.Equal(4, Value(text, $"rest_client_requests_total{{code=\"200\",method=\"GET\",host=\"{host}\"}}"));
        Assert.Equal(1, Value(text, $"rest_client_requests_total{{code=\"500\",method=\"GET\",host=\"{host}\"}}"));
        Assert.Equal(1, Value(text, $"rest_client_requests_total{{code=\"<error>\",method=\"GET\",host=\"{host}\"}}"));
        Assert.Equal(6, Value(text, $"rest_client_request_duration_seconds_count{{verb=\"GET\",host=\"{host}\"}}"));
    }

    private static async Task<string> MetricsAsync(RunningSource source)
    {
        using var text = new MemoryStream();
        await source.Registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    private static double Value(string text, string series) => double.Parse(
        text.Split('\n').Single(line => line.StartsWith(series + " ", StringComparison.Ordinal))[(series.Length + 1)..],
        System.Globalization.CultureInfo.InvariantCulture);
}
