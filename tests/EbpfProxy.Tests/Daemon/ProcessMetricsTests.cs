using System.Text;
using EbpfProxy.Daemon;
using Prometheus;

namespace EbpfProxy.Tests.Daemon;

public sealed class ProcessMetricsTests
{
    [Theory]
    [InlineData("ebpf_proxy_build_info{version=\"0.1.0+abc\"} 1")]
    [InlineData("kubernetes_build_info{major=\"0\",minor=\"1\",git_version=\"v0.1.0+abc\"")]
    [InlineData("process_resident_memory_bytes ")]
    [InlineData("process_open_fds ")]
    [InlineData("process_start_time_seconds ")]
    [InlineData("process_cpu_seconds_total ")]
    [InlineData("process_virtual_memory_bytes ")]
    [InlineData("process_max_fds ")]
    [InlineData("kubernetes_feature_enabled{name=\"ComponentStatusz\",stage=\"BETA\"} 1")]
    public async Task A_process_is_told_under_the_names_that_dashboards_ask_for(string series)
    {
        var registry = Metrics.NewCustomRegistry();
        DotNetStats.Register(registry);
        _ = new ProcessMetrics(registry, "0.1.0+abc", new Dictionary<string, bool> { ["ComponentFlagz"] = true });
        using var text = new MemoryStream();

        await registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);

        string line = Assert.Single(Encoding.UTF8.GetString(text.ToArray()).Split('\n'), line => line.StartsWith(series, StringComparison.Ordinal));
        Assert.DoesNotMatch(" 0$", line);
    }
}
