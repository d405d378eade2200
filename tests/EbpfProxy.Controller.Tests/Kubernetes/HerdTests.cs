using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>As many watches as these keep the processors busy.</summary>
[Collection(typeof(AloneInTheProcess))]
public sealed class HerdTests
{
    private const int Nodes = 200;
    private const int Resources = 4;

    [Fact]
    public async Task Two_hundred_nodes_ask_for_each_list_once_and_for_none_after_a_restart_of_the_server()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        for (int i = 0; i < 20; i++)
        {
            server.Apply(Cluster.Service($"s{i}"));
            server.Apply(Cluster.Slice($"s{i}-1"));
        }

        var sources = Enumerable.Range(0, Nodes)
            .Select(i => new RunningSource(RunningSource.Options(server.Address), seed: i)).ToArray();
        await Task.WhenAll(sources.Select(source => source.WaitForSyncAsync()));

        Assert.Equal(Nodes * Resources, server.Requests.Count);
        Assert.Equal(Nodes * Resources, server.Requests.Count(request => request.IsFullList));
        Assert.InRange(server.BytesSent, 1, Nodes * 20_000);
        long bytes = server.BytesSent;

        await server.StopAsync();
        await server.StartAsync();
        await Task.WhenAll(sources.Select(source => source.WaitAsync(() => source.Source.Watches.All(watch => watch.Watches > 1))));

        Assert.Equal(Nodes * Resources, server.Requests.Count(request => request.IsFullList));
        Assert.Equal(bytes, server.BytesSent);
        await Task.WhenAll(sources.Select(source => source.DisposeAsync().AsTask()));
    }

    [Fact]
    public void The_wait_after_failures_doubles_up_to_a_limit_and_is_spread()
    {
        var backoff = new Backoff(TimeProvider.System, new Random(1));

        double[] waits = [.. Enumerable.Range(0, 10).Select(_ => backoff.Next().TotalSeconds)];

        double[] least = [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30, 30, 30];
        Assert.All(waits.Zip(least), pair => Assert.InRange(pair.First, pair.Second, pair.Second * 2));
        Assert.Equal(10, waits.Zip(least, (wait, floor) => wait / floor).Distinct().Count());
    }

    [Fact]
    public async Task Requests_keep_to_the_rate_that_was_set()
    {
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = ApiServerVersion.V1_21 });
        await using var source = new RunningSource(RunningSource.Options(server.Address) with { Qps = 0.001, Burst = 3 });

        await source.WaitAsync(() => server.Requests.Count >= 3);

        // Each of the four wants to list and to watch.
        Assert.Equal(3, server.Requests.Count);
        Assert.All(source.Source.Watches, watch => Assert.Equal(0, watch.Watches));
    }

    [Theory]
    [InlineData(150)]
    [InlineData(5_000)]
    [InlineData(1e12)]
    public async Task A_high_rate_goes_on_when_the_burst_is_over(double qps)
    {
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = ApiServerVersion.V1_21 });
        await using var source = new RunningSource(RunningSource.Options(server.Address) with { Qps = qps, Burst = 2 });

        await source.WaitForWatchesAsync();
    }
}
