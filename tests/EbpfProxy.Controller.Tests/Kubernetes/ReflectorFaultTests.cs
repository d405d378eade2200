using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class ReflectorFaultTests
{
    public static TheoryData<ApiServerVersion, bool> Expirations => new()
    {
        { ApiServerVersion.V1_21, false },
        { ApiServerVersion.V1_28, true },
        { ApiServerVersion.V1_36, false },
        { ApiServerVersion.V1_36, true },
    };

    [Fact]
    public async Task A_watch_that_ends_goes_on_from_its_version_without_a_list()
    {
        await using var server = await StartAsync();
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        server.SendBookmarks();
        server.Apply(Cluster.Service("new"));
        await source.WaitAsync(() => source.Sink.Services == "new web");
        int lists = FullLists(server);

        server.EndWatches();
        await source.WaitAsync(() => source.Watch("services").Watches > 1);
        server.Delete("Service", "shop", "web");

        await source.WaitAsync(() => source.Sink.Services == "new");
        Assert.Equal(lists, FullLists(server));
    }

    [Fact]
    public async Task A_bookmark_moves_the_version_that_a_watch_goes_on_from()
    {
        await using var server = await StartAsync();
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        long listed = source.Watch("services").Events;
        server.Apply(Cluster.Service("new"));
        await source.WaitAsync(() => source.Watch("services").Events > listed);
        var heard = source.Watch("services").LastContact;
        server.Apply(Cluster.Slice("elsewhere"));
        server.SendBookmarks();
        await source.WaitAsync(() => source.Watch("services").LastContact > heard);

        server.EndWatches();

        await source.WaitAsync(() => source.Watch("services").Watches > 1);
        long version = long.Parse(server.Requests.Last(request => request.Resource == "services").Parameter("resourceVersion")!);
        Assert.Equal(105, version);
    }

    [Theory]
    [MemberData(nameof(Expirations))]
    public async Task A_version_that_the_server_forgot_brings_a_full_list_and_removes_what_is_gone(ApiServerVersion version, bool byStatus)
    {
        await using var server = await StartAsync(new ApiServerOptions { Version = version, ExpiresByStatus = byStatus });
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        await server.StopAsync();
        server.Delete("Service", "shop", "web");
        server.Apply(Cluster.Service("new"));
        server.Compact();

        await server.StartAsync();

        await source.WaitAsync(() => source.Sink.Services == "new" && source.Sink.Slices == "web-1");
        Assert.Contains("web", source.Sink.Removals);
        await source.WaitAsync(() => source.Watch("services").Lists == 2);
    }

    [Theory]
    [InlineData(ApiServerVersion.V1_21)]
    [InlineData(ApiServerVersion.V1_36)]
    public async Task A_list_that_is_cut_anywhere_removes_nothing_and_is_asked_for_again(ApiServerVersion version)
    {
        await using var server = await StartAsync(new ApiServerOptions { Version = version });
        server.Apply(Cluster.Service("more"));
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        await server.StopAsync();
        int cut = 0;
        server.Fault = request => request is { Resource: "services", IsFullList: true } && cut < 1200 ? new ApiFault.Cut(cut += 300) : null;
        server.Delete("Service", "shop", "more");
        server.Compact();

        await server.StartAsync();

        await source.WaitAsync(() => cut >= 1200 || source.Sink.Services == "web");
        Assert.DoesNotContain("web", source.Sink.Removals);
        await source.WaitAsync(() => source.Sink.Services == "web");
        Assert.Equal(["more"], source.Sink.Removals);
    }

    [Fact]
    public async Task A_server_that_wants_to_be_left_alone_is()
    {
        await using var server = await StartAsync();
        int refused = 0;
        server.Fault = request => request.Resource == "services" && Interlocked.Increment(ref refused) <= 2
            ? new ApiFault.Status(429, "TooManyRequests", "too many", RetryAfterSeconds: 9)
            : null;
        await using var source = RunningSource.At(server);

        await source.WaitForSyncAsync();

        Assert.Equal(2, source.Time.Waits.Count(wait => wait >= TimeSpan.FromSeconds(9) && wait < TimeSpan.FromSeconds(14.5)));
        Assert.Equal(2, source.Watch("services").Errors);
        Assert.Null(source.Watch("services").LastError);
    }

    [Theory]
    [InlineData("Fri, 31 Dec 1999 23:59:59 GMT")]
    [InlineData("0")]
    public async Task A_server_that_wants_to_be_asked_again_at_a_time_that_is_over_is_not_asked_at_once(string retryAfter)
    {
        await using var server = await StartAsync();
        int refused = 0;
        server.Fault = request => request.Resource == "services" && Interlocked.Increment(ref refused) <= 3
            ? new ApiFault.Status(429, "TooManyRequests", "too many") { RetryAfter = retryAfter }
            : null;
        await using var source = RunningSource.At(server);

        await source.WaitForSyncAsync();

        Assert.Equal(3, source.Time.Waits.Count(wait => wait >= TimeSpan.FromSeconds(0.8) && wait < TimeSpan.FromSeconds(6.4)));
    }

    [Theory]
    [InlineData(ApiServerVersion.V1_21, "status")]
    [InlineData(ApiServerVersion.V1_36, "status")]
    [InlineData(ApiServerVersion.V1_36, "error event")]
    [InlineData(ApiServerVersion.V1_36, "nothing")]
    public async Task A_version_that_no_watch_goes_on_from_is_given_up_for_a_full_list(ApiServerVersion version, string answer)
    {
        await using var server = await StartAsync(new ApiServerOptions { Version = version });
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        int attempts = 0;
        server.Fault = request =>
        {
            if (request is not { Resource: "services", IsWatch: true, IsFullList: false } || request.Parameter("resourceVersion") != "103")
            {
                return null;
            }

            if (Interlocked.Increment(ref attempts) == 1)
            {
                server.Apply(Cluster.Service("new"));
            }

            return answer switch
            {
                "status" => new ApiFault.Status(500, "InternalError", "no such version"),
                "error event" => new ApiFault.Body("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500}}\n"),
                _ => new ApiFault.Body(""),
            };
        };
        int lists = FullLists(server);

        server.EndWatches();

        await source.WaitAsync(() => source.Sink.Services == "new web");

        // The watch that was ended may have come to nothing as well.
        Assert.InRange(attempts, 4, 5);
        Assert.Equal(lists + 1, FullLists(server));
    }

    [Theory]
    [InlineData(401)]
    [InlineData(429)]
    [InlineData(503)]
    [InlineData(0)]
    public async Task A_server_that_is_away_or_busy_does_not_cost_a_full_list(int status)
    {
        await using var server = await StartAsync();
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        int attempts = 0;
        server.Fault = request => request is { Resource: "services", IsWatch: true } && Interlocked.Increment(ref attempts) <= 12
            ? status == 0 ? new ApiFault.Reset() : new ApiFault.Status(status, "x", "not now")
            : null;
        int lists = FullLists(server);

        server.EndWatches();

        await source.WaitAsync(() => attempts > 12);
        server.Apply(Cluster.Service("new"));
        await source.WaitAsync(() => source.Sink.Services == "new web");
        Assert.Equal(lists, FullLists(server));
    }

    [Fact]
    public async Task Errors_and_resets_are_overcome()
    {
        await using var server = await StartAsync();
        var faults = new Queue<ApiFault>([
            new ApiFault.Status(500, "InternalError", "etcd"),
            new ApiFault.Reset(),
            new ApiFault.Body("not JSON\n"),
            new ApiFault.Body("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500,\"message\":\"storage is gone\"}}\n"),
            new ApiFault.Cut(50)]);
        server.Fault = request => request.Resource == "services" && faults.TryDequeue(out var fault) ? fault : null;
        await using var source = RunningSource.At(server);

        await source.WaitForSyncAsync();

        Assert.Equal("web", source.Sink.Services);
        Assert.Empty(faults);
        Assert.Contains(source.Log.Lines, line => line.Text.Contains("500: etcd"));
        Assert.Contains(source.Log.Lines, line => line.Text.Contains("500: storage is gone"));
    }

    [Fact]
    public async Task An_event_of_more_than_8_MiB_is_skipped_with_its_name_and_the_watch_goes_on()
    {
        await using var server = await StartAsync();
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        string huge = new('x', 9 << 20);

        server.Apply(Cluster.Service("huge").Replace("'labels'", "'annotations':{'x':'" + huge + "'},'labels'"));
        server.Apply(Cluster.Service("next"));

        await source.WaitAsync(() => source.Sink.Services == "next web");
        Assert.Equal(["Service shop/huge : an event of more than 8388608 bytes is skipped"], source.Faults.Lines);
        Assert.Equal(1, source.Watch("services").Watches);
        Assert.Equal(1, source.Watch("services").Skipped);
    }

    /// <summary>Its end may never come: it is told when it is too long, and what follows is kept no more.</summary>
    [Fact]
    public async Task An_event_of_more_than_8_MiB_is_skipped_before_its_end_has_come()
    {
        await using var server = await StartAsync();
        const string Head = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"huge\",\"namespace\":\"shop\"},\"x\":\"";
        int sent = 0;
        server.Fault = request => request is { Resource: "services", IsWatch: true, IsFullList: false } && Interlocked.Increment(ref sent) == 1
            ? new ApiFault.Body(Head + new string('x', 9 << 20))
            : null;
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();

        server.EndWatches();

        // It is told after it is counted.
        await source.WaitAsync(() => source.Faults.Lines.Count > 0);
        Assert.Equal(["Service shop/huge : an event of more than 8388608 bytes is skipped"], source.Faults.Lines);
        Assert.Equal(1, source.Watch("services").Skipped);
    }

    [Fact]
    public async Task An_event_that_makes_no_sense_is_skipped_and_the_watch_goes_on()
    {
        await using var server = await StartAsync();
        const string Good = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"good\",\"namespace\":\"shop\",\"resourceVersion\":\"900\"}}}\n";
        const string Lone = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\\ud800\",\"namespace\":\"shop\"}}}\n";
        const string Bookmark = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"901\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n";
        server.Fault = request => request is { Resource: "services", IsFullList: true }
            ? new ApiFault.Body("{\"type\":\"ADDED\",\"obj\n{\"type\":\"GROWN\",\"object\":{}}\n[]\n" + Lone + Good + Bookmark)
            : null;
        await using var source = RunningSource.At(server);

        await source.WaitAsync(() => source.Sink.Services == "good");

        await source.WaitAsync(() => source.Watch("services").IsSynced);
        Assert.Equal(4, source.Faults.Lines.Count);
        Assert.All(source.Faults.Lines, line => Assert.Contains("an event cannot be read", line));
    }

    [Fact]
    public async Task An_object_of_a_list_that_makes_no_sense_is_skipped_and_the_rest_counts()
    {
        await using var server = await StartAsync(new ApiServerOptions { Version = ApiServerVersion.V1_21 });
        const string Lone = "{\"metadata\":{\"name\":\"\\ud800\",\"namespace\":\"shop\"}}";
        const string Good = "{\"metadata\":{\"name\":\"good\",\"namespace\":\"shop\"}}";
        server.Fault = request => request is { Resource: "services", IsWatch: false }
            ? new ApiFault.Body("{\"items\":[" + Lone + "," + Good + "],\"metadata\":{\"resourceVersion\":\"900\"}}")
            : null;

        await using var source = RunningSource.At(server);

        await source.WaitAsync(() => source.Sink.Services == "good");
        Assert.Contains("Service", Assert.Single(source.Faults.Lines, line => line.Contains("an object cannot be read", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_object_that_loses_what_makes_it_useful_is_removed()
    {
        await using var server = await StartAsync();
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();

        server.Apply(Cluster.Slice("web-1").Replace("kubernetes.io/service-name", "other"));

        await source.WaitAsync(() => source.Sink.Slices == "");
        Assert.Single(source.Faults.Lines, line => line.StartsWith("EndpointSlice shop/web-1 metadata.labels: has no kubernetes.io/service-name"));
    }

    [Fact]
    public async Task A_streamed_list_that_never_ends_is_asked_for_as_a_list()
    {
        await using var server = await StartAsync();
        var never = new TaskCompletionSource();
        server.Fault = request => request is { Resource: "services", IsWatch: true, IsFullList: true } ? new ApiFault.Wait(never.Task) : null;
        await using var source = RunningSource.At(server, new QuickTime(wait => wait == TimeSpan.FromSeconds(30)));

        await source.WaitAsync(() => source.Watch("services").IsSynced);

        Assert.Equal("web", source.Sink.Services);
        Assert.Contains(server.Requests, request => request is { Resource: "services", IsWatch: false });
    }

    [Fact]
    public async Task A_list_in_another_order_says_the_same()
    {
        await using var server = await StartAsync(new ApiServerOptions { Version = ApiServerVersion.V1_21 });
        server.Apply(Cluster.Service("z"));
        server.ReversesLists = true;
        await using var source = RunningSource.At(server);

        await source.WaitForWatchesAsync();

        Assert.Equal("web z", source.Sink.Services);
    }

    [Fact]
    public async Task A_server_that_went_back_in_time_is_asked_for_its_newest_list_in_pages()
    {
        await using var server = await StartAsync(new ApiServerOptions { Version = ApiServerVersion.V1_28 });
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        int port = server.Address.Port;
        await server.StopAsync();
        await using var restored = KubernetesApiServer.Make(new ApiServerOptions { Version = ApiServerVersion.V1_28, Port = port });
        restored.Apply(Cluster.Service("restored"));
        restored.Fault = request => request is { IsWatch: true, Resource: "services" } && request.Parameter("resourceVersion") == "103"
            ? new ApiFault.Status(410, "Expired", "too old")
            : null;

        await restored.StartAsync();

        await source.WaitAsync(() => source.Sink.Services == "restored");

        var quorum = restored.Requests.First(request => request is { Resource: "services", IsWatch: false } && request.Parameter("limit") is not null);
        Assert.Null(quorum.Parameter("resourceVersion"));
    }

    [Fact]
    public async Task Pages_are_put_together_before_anything_is_removed()
    {
        await using var server = await StartAsync(new ApiServerOptions { Version = ApiServerVersion.V1_28 });
        await using var source = RunningSource.At(server);
        await source.WaitForWatchesAsync();
        await server.StopAsync();
        for (int i = 0; i < 1200; i++)
        {
            server.Apply(Cluster.Service($"s{i:0000}"));
        }

        server.Delete("Service", "shop", "web");
        server.Compact();
        server.Fault = request => request is { Resource: "services", IsWatch: false } && request.Parameter("limit") is null
            ? new ApiFault.Status(504, "Timeout", "Too large resource version: 9, current: 1")
            : null;
        await server.StartAsync();

        await source.WaitAsync(() => source.Sink.Service("shop", "web") is null && source.Sink.Service("shop", "s1199") is not null);

        Assert.Equal(["web"], source.Sink.Removals);
        Assert.Equal(2, server.Requests.Count(request => request.Resource == "services" && request.Parameter("continue") is not null));
    }

    private static int FullLists(KubernetesApiServer server) =>
        server.Requests.Count(request => request is { Resource: "services", IsFullList: true });

    private static async Task<KubernetesApiServer> StartAsync(ApiServerOptions? options = null)
    {
        var server = await KubernetesApiServer.StartAsync(options);
        server.Apply(Cluster.Service("web"));
        server.Apply(Cluster.Slice("web-1"));
        server.Apply(Cluster.Node("node-a"));
        return server;
    }
}
