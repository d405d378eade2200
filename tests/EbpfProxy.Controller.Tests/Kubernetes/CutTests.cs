using System.Collections.Concurrent;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>
/// Answers that are cut after every single byte, over HTTP. Whatever arrives is an object as the server has it, and
/// nothing is taken for gone before the server has said so.
/// </summary>
public sealed class CutTests
{
    [Theory]
    [InlineData(ApiServerVersion.V1_21, false)]
    [InlineData(ApiServerVersion.V1_21, true)]
    [InlineData(ApiServerVersion.V1_36, false)]
    [InlineData(ApiServerVersion.V1_36, true)]
    public async Task A_list_that_is_cut_at_any_byte_loses_and_invents_nothing(ApiServerVersion version, bool looksWhole)
    {
        await using var server = await StartAsync(version);
        await using var source = RunningSource.At(server, new QuickTime(milliseconds: 1));
        await source.WaitForWatchesAsync();
        await server.StopAsync();
        server.Delete("Service", "s", "gone");
        server.Apply(Service("new", "10.0.0.30"));
        server.Apply(Service("old", "10.0.0.19"));
        server.Compact();
        int cut = 0;
        int tooEarly = 0;
        server.Fault = request =>
        {
            if (request is not { Resource: "services", IsFullList: true })
            {
                return null;
            }

            tooEarly += source.Sink.Removals.Count;
            return new ApiFault.Cut(cut++, looksWhole);
        };
        var cluster = source.Sink;

        await server.StartAsync();

        await source.WaitAsync(() => cluster.Services == "new old" && cluster.ServiceLists == 2);
        Assert.InRange(cut, 300, 1000);
        Assert.Equal(0, tooEarly);
        Assert.Equal(["gone"], cluster.Removals);
        Assert.Equal(["gone 10.0.0.2", "new 10.0.0.30", "old 10.0.0.1", "old 10.0.0.19"], cluster.TakenServices);
        Assert.Equal("10.0.0.19", cluster.Service("s", "old")!.ClusterIPs.Single().ToString());
        Assert.Empty(source.Faults.Lines);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_watch_that_is_cut_at_any_byte_goes_on_with_the_event_that_it_cut(bool looksWhole)
    {
        await using var server = await StartAsync(ApiServerVersion.V1_36);
        await using var source = RunningSource.At(server, new QuickTime(milliseconds: 1));
        await source.WaitForWatchesAsync();
        await server.StopAsync();
        server.Apply(Service("new", "10.0.0.30"));
        server.Apply(Service("old", "10.0.0.19"));
        server.Delete("Service", "s", "gone");
        int lists = server.Requests.Count(request => request.IsFullList);
        var cuts = new ConcurrentDictionary<string, int>();
        bool isCut = false;
        server.Fault = request =>
        {
            if (request is not { Resource: "services", IsWatch: true })
            {
                return null;
            }

            // A bookmark between two cuts: else the version would be given up after a few.
            string from = request.Parameter("resourceVersion")!;
            isCut = !isCut;
            return isCut
                ? new ApiFault.Cut(cuts.AddOrUpdate(from, 0, (_, cut) => cut + 1), looksWhole)
                : new ApiFault.Body("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" + from + "\"}}}\n");
        };
        var cluster = source.Sink;

        await server.StartAsync();

        await source.WaitAsync(() => cluster.Services == "new old");
        // A reset may take along what was sent before it, and the next answer then has an event more.
        Assert.Equal(looksWhole ? 3 : cuts.Count, cuts.Values.Count(cut => cut > 200));
        Assert.Equal(lists, server.Requests.Count(request => request.IsFullList));
        Assert.Equal(["gone"], cluster.Removals);
        Assert.Equal(["gone 10.0.0.2", "new 10.0.0.30", "old 10.0.0.1", "old 10.0.0.19"], cluster.TakenServices);
        Assert.Equal("10.0.0.19", cluster.Service("s", "old")!.ClusterIPs.Single().ToString());
        Assert.Empty(source.Faults.Lines);
    }

    private static async Task<KubernetesApiServer> StartAsync(ApiServerVersion version)
    {
        var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = version });
        server.Apply(Service("old", "10.0.0.1"));
        server.Apply(Service("gone", "10.0.0.2"));
        return server;
    }

    private static string Service(string name, string address) =>
        "{'kind':'Service','metadata':{'name':'" + name + "','namespace':'s'},'spec':{'clusterIP':'" + address + "','clusterIPs':['" + address + "']"
        + ",'ports':[{'port':80,'protocol':'TCP'}]}}";
}
