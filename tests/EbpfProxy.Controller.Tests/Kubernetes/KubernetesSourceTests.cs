using EbpfProxy.Model.Network;
using EbpfProxy.Testing.ApiServer;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class KubernetesSourceTests
{
    public static TheoryData<ApiServerVersion> Versions => [ApiServerVersion.V1_21, ApiServerVersion.V1_28, ApiServerVersion.V1_36];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task What_the_server_has_is_listed_and_what_changes_is_followed(ApiServerVersion version)
    {
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = version });
        server.Apply(Cluster.Service("web"));
        server.Apply(Cluster.Service("old"));
        server.Apply(Cluster.Slice("web-1"));
        server.Apply(Cluster.Node("node-a"));
        server.Apply(Cluster.Node("node-b", "z2"));
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        Assert.Equal("old web", source.Sink.Services);
        Assert.Equal("web-1", source.Sink.Slices);
        Assert.Equal("z1", source.Sink.Node!.Zone);

        server.Apply(Cluster.Service("new"));
        server.Apply(Cluster.Service("web", "10.96.0.99"));
        server.Delete("Service", "shop", "old");
        server.Apply(Cluster.Slice("web-2"));
        server.Apply(Cluster.Node("node-a", "z9"));

        await source.WaitAsync(() => source.Sink is { Services: "new web", Slices: "web-1 web-2", Node.Zone: "z9" });
        Assert.Equal("10.96.0.99", source.Sink.Service("shop", "web")!.ClusterIPs.Single().ToString());
        await source.WaitAsync(() => source.Watch("services").Events - (version == ApiServerVersion.V1_36 ? 2 : 0) == 3);
        Assert.Empty(source.Faults.Lines);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_server_that_streams_lists_is_asked_for_none_and_an_old_one_for_one(ApiServerVersion version)
    {
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = version });
        await using var source = RunningSource.At(server);

        await source.WaitForWatchesAsync();

        var requests = server.Requests.Where(request => request.Resource == "services").ToArray();
        bool streams = version == ApiServerVersion.V1_36;
        Assert.Equal(streams ? 1 : 4, requests.Length);
        Assert.Equal(streams ? 0 : 2, requests.Count(request => !request.IsWatch));
        Assert.All(requests.Where(request => !request.IsWatch), list => Assert.Equal("0", list.Parameter("resourceVersion")));
        Assert.All(requests, request => Assert.Equal("!service.kubernetes.io/service-proxy-name", request.Parameter("labelSelector")));
        Assert.Equal("spec.clusterIP!=None", requests[0].Parameter("fieldSelector"));

        // Services have that field from 1.31 on.
        Assert.Equal(streams ? "spec.clusterIP!=None" : null, requests[^1].Parameter("fieldSelector"));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task What_leaves_the_selection_is_removed_and_what_comes_back_is_added(ApiServerVersion version)
    {
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = version });
        server.Apply(Cluster.Service("web"));
        server.Apply(Cluster.Service("theirs", labels: "'service.kubernetes.io/service-proxy-name':''"));
        server.Apply(Cluster.Service("headless", "None"));
        server.Apply(Cluster.Slice("web-1"));
        server.Apply(Cluster.Slice("headless-1", labels: ",'service.kubernetes.io/headless':''"));
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();

        // A server that does not know the field leaves headless Services in; they have no address and get no frontend.
        string headless = version == ApiServerVersion.V1_36 ? "" : "headless ";
        Assert.Equal(headless + "web", source.Sink.Services);
        Assert.Equal("web-1", source.Sink.Slices);

        server.Apply(Cluster.Service("web", labels: "'service.kubernetes.io/service-proxy-name':'x'"));
        server.Apply(Cluster.Service("theirs"));
        server.Apply(Cluster.Slice("web-1", labels: ",'service.kubernetes.io/headless':''"));
        server.Apply(Cluster.Slice("headless-1"));

        await source.WaitAsync(() => source.Sink.Services == headless + "theirs" && source.Sink.Slices == "headless-1");
    }

    [Fact]
    public async Task ServiceCIDRs_are_followed_as_one_set()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        server.Apply(Cluster.Cidr("kubernetes", "10.96.0.0/16"));
        server.Apply(Cluster.Cidr("again", "10.96.0.0/16"));
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        Assert.Equal(["10.96.0.0/16"], source.Sink.Prefixes!.Select(prefix => prefix.ToString()));

        server.Apply(Cluster.Cidr("more", "fd00::/112"));
        server.Delete("ServiceCIDR", "", "again");

        await source.WaitAsync(() => source.Sink is { PrefixSets: 3, Prefixes.Count: 2 });
        Assert.Contains(new Prefix(Address.FromIPv4(0x0a600000), 16), source.Sink.Prefixes!);
    }

    [Theory]
    [InlineData(ApiServerVersion.V1_28, 404, 60)]
    [InlineData(ApiServerVersion.V1_36, 403, 10)]
    public async Task ServiceCIDRs_that_a_server_does_not_give_count_as_none_with_one_warning_and_are_asked_for_now_and_then(
        ApiServerVersion version, int status, int minutes)
    {
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = version });
        server.Fault = request => status == 403 && request.Resource == "servicecidrs"
            ? new ApiFault.Status(403, "Forbidden", "servicecidrs.networking.k8s.io is forbidden")
            : null;
        var wanted = TimeSpan.FromMinutes(minutes);
        var time = new QuickTime(wait => wait >= wanted);
        await using var source = RunningSource.At(server, time);

        await source.WaitAsync(() => server.Requests.Count(request => request.Path.EndsWith("/servicecidrs")) > 3);

        Assert.Empty(source.Sink.Prefixes!);
        Assert.Single(source.Log.Lines, line => line.Id == 3006 && line.Level == LogLevel.Warning);
        Assert.Contains(time.Waits, wait => wait >= wanted && wait <= wanted * 1.1);
    }

    [Theory]
    [InlineData(404, "Not Found", 2)]
    [InlineData(404, "Not Found", 8)] // the version is given up meanwhile
    [InlineData(403, "Forbidden", 8)]
    public async Task ServiceCIDRs_are_kept_while_a_server_that_gave_them_refuses_to(int status, string reason, int times)
    {
        await using var server = await KubernetesApiServer.StartAsync();
        server.Apply(Cluster.Cidr("kubernetes", "10.96.0.0/16"));
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();

        int refused = 0;
        server.Fault = request => request.Resource == "servicecidrs" && Interlocked.Increment(ref refused) <= times
            ? new ApiFault.Status(status, reason, "not yet")
            : null;
        server.EndWatches();
        await source.WaitAsync(() => source.Watch("servicecidrs").Errors >= times);
        server.Apply(Cluster.Cidr("more", "fd00::/112"));
        await source.WaitAsync(() => source.Sink.Prefixes!.Count == 2);

        // That they count as none is said.
        Assert.DoesNotContain(source.Log.Lines, line => line.Id == 3006);
    }

    [Fact]
    public async Task ServiceCIDRs_that_a_server_gives_no_more_count_as_none_after_a_while()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        server.Apply(Cluster.Cidr("kubernetes", "10.96.0.0/16"));
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();

        server.Fault = request => request.Resource == "servicecidrs" ? new ApiFault.Status(404, "Not Found", "gone") : null;
        server.EndWatches();

        await source.WaitAsync(() => source.Sink.Prefixes!.Count == 0);
        Assert.InRange(source.Watch("servicecidrs").Errors, 20, 21);
    }

    [Theory]
    [InlineData("services", 403)]
    [InlineData("endpointslices", 404)]
    [InlineData("nodes", 403)]
    public async Task Anything_else_that_a_server_does_not_give_is_never_taken_as_empty(string resource, int status)
    {
        await using var server = await KubernetesApiServer.StartAsync();
        server.Fault = request => request.Resource == resource ? new ApiFault.Status(status, "x", $"{resource} are forbidden to you") : null;
        await using var source = RunningSource.At(server);

        await source.WaitAsync(() => source.Watch(resource).Errors > 2);

        Assert.False(source.Watch(resource).IsSynced);
        Assert.False(source.Sink.IsComplete);
        Assert.Contains($"{resource} are forbidden to you", source.Watch(resource).LastError);
        Assert.Contains(source.Log.Lines, line => line.Id == 3003 && line.Text.Contains($"Following {resource} failed: {status}: {resource} are"));
    }

    [Fact]
    public async Task A_node_that_does_not_exist_is_known_not_to()
    {
        await using var server = await KubernetesApiServer.StartAsync();
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        Assert.Null(source.Sink.Node);

        server.Apply(Cluster.Node("node-a"));
        await source.WaitAsync(() => source.Sink.Node is not null);
        server.Delete("Node", "", "node-a");

        await source.WaitAsync(() => source.Sink.Node is null);
    }
}
