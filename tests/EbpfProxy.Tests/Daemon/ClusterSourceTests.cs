using EbpfProxy.Controller.Cache;
using EbpfProxy.Daemon;
using EbpfProxy.Options;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;

namespace EbpfProxy.Tests.Daemon;

public sealed class ClusterSourceTests
{
    [Fact]
    public void Nodes_of_one_machine_remember_their_own_api_servers()
    {
        Assert.Equal("/run/ebpf-proxy/api-servers-node-1", ClusterSource.StateFileOf("node-1"));
        Assert.NotEqual(ClusterSource.StateFileOf("node-1"), ClusterSource.StateFileOf("node-2"));
        Assert.Equal("/run/ebpf-proxy/api-servers-a%2F..%2Fb", ClusterSource.StateFileOf("a/../b"));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_read_is_an_error_of_the_source()
    {
        var options = new ProxyOptions { Manifests = "/nonexistent/manifests" };
        using var loggers = new NullLoggerFactory();
        using var cache = new ClusterCache(new NoListener());
        var registry = Metrics.NewCustomRegistry();
        var faults = new ObjectFaults(Metrics.WithCustomRegistry(registry), NullLogger<ObjectFaults>.Instance);
        using var source = ClusterSource.Create(options, "n1", cache, faults, registry, TimeProvider.System, loggers);
        await source.StartAsync(TestContext.Current.CancellationToken);

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (ClusterSource.StateOf(source, options).Error is null)
        {
            await Task.Delay(5, limit.Token);
        }

        await source.StopAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("cannot read /nonexistent/manifests: ", ClusterSource.StateOf(source, options).Error, StringComparison.Ordinal);
    }
}
