using System.Text.Json.Nodes;
using EbpfProxy.Controller.Events;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class EventTests
{
    private static readonly ClusterEvent _failed = ClusterEvent.ServiceHealthFailed("node-a", new ObjectName("shop", "web"), 32000, "address in use");

    [Fact]
    public async Task Events_are_those_of_kube_proxy()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        await using var source = RunningSource.At(server);

        source.Source.Events.Publish(ClusterEvent.Starting("node-a"));
        source.Source.Events.Publish(_failed);
        await source.Source.Events.FlushAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        JsonObject[] events = [.. server.Events];
        Assert.Equal(
            """{"kind":"Node","apiVersion":"v1","name":"node-a"} default Normal Starting StartKubeProxy """, Text(events[0]));
        Assert.Equal(
            """{"kind":"Service","apiVersion":"v1","name":"web","namespace":"shop"} shop Warning FailedToStartServiceHealthcheck Listen """
            + "node node-a failed to start healthcheck \"shop/web\" on port 32000: address in use",
            Text(events[1]));
        Assert.All(events, e => Assert.Equal(("kube-proxy", "kube-proxy-node-a"), ($"{e["reportingController"]}", $"{e["reportingInstance"]}")));
        Assert.StartsWith("node-a.", $"{events[0]["metadata"]!["name"]}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Older_server_gets_events_of_the_node_where_it_takes_them()
    {
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = ApiServerVersion.V1_21 });
        await using var source = RunningSource.At(server);

        source.Source.Events.Publish(ClusterEvent.Starting("node-a"));
        source.Source.Events.Publish(ClusterEvent.TookOver("node-a", "all"));
        source.Source.Events.Publish(_failed);
        await source.Source.Events.FlushAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Assert.Equal(["kube-system", "kube-system", "shop"], server.Events.Select(e => $"{e["metadata"]!["namespace"]}"));
        Assert.Equal(4, server.Requests.Count(request => request.Path.Contains("events.k8s.io", StringComparison.Ordinal)));
        Assert.DoesNotContain(source.Log.Lines, line => line.Id == 3017);
    }

    [Fact]
    public async Task Event_that_is_refused_in_either_place_is_told_of_once()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        server.Fault = request => request.Path.Contains("events.k8s.io", StringComparison.Ordinal)
            ? new ApiFault.Status(422, "Invalid", "Event.events.k8s.io is invalid: something else")
            : null;
        await using var source = RunningSource.At(server);

        source.Source.Events.Publish(ClusterEvent.Starting("node-a"));
        await source.Source.Events.FlushAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Assert.Equal(2, server.Requests.Count(request => request.Path.Contains("events.k8s.io", StringComparison.Ordinal)));
        Assert.Single(source.Log.Lines, line => line.Id == 3017);
    }

    [Fact]
    public async Task Events_of_one_moment_have_names_of_their_own()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        await using var source = RunningSource.At(server);

        for (int i = 0; i < 20; i++)
        {
            source.Source.Events.Publish(_failed);
        }

        await source.WaitAsync(() => server.Events.Count == 20);
    }

    [Fact]
    public async Task A_right_that_is_missing_is_said_once_and_stops_nothing()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        server.Fault = request => request.Path.Contains("events.k8s.io", StringComparison.Ordinal)
            ? new ApiFault.Status(403, "Forbidden", "events.events.k8s.io is forbidden")
            : null;
        await using var source = RunningSource.At(server);

        source.Source.Events.Publish(ClusterEvent.Starting("node-a"));
        source.Source.Events.Publish(_failed);
        await source.Source.Events.FlushAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await source.WaitForSyncAsync();

        Assert.Empty(server.Events);
        Assert.Equal(2, server.Requests.Count(request => request.Path.Contains("events.k8s.io", StringComparison.Ordinal)));
        Assert.Single(source.Log.Lines, line => line.Id == 3017);
    }

    [Fact]
    public async Task A_server_that_is_away_gets_the_event_when_it_is_back()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        await server.StopAsync();

        // An event is tried a dozen times: so long the server has to come back.
        await using var source = RunningSource.At(server, new QuickTime(milliseconds: 1000));
        source.Source.Events.Publish(ClusterEvent.Starting("node-a"));
        await source.WaitAsync(() => source.Time.Waits.Any(wait => wait >= TimeSpan.FromSeconds(10)));

        await server.StartAsync();

        await source.WaitAsync(() => server.Events.Count == 1);
    }

    private static string Text(JsonObject e) =>
        $"{e["regarding"]!.ToJsonString()} {e["metadata"]!["namespace"]} {e["type"]} {e["reason"]} {e["action"]} {e["note"]}";
}
