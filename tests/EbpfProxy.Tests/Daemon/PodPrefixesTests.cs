using EbpfProxy.Daemon;
using EbpfProxy.Options;
using EbpfProxy.Testing.ApiServer;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbpfProxy.Tests.Daemon;

public sealed class PodPrefixesTests
{
    /// <summary>An older server is asked for a stream, which it refuses, then for a list and a watch.</summary>
    [Theory]
    [InlineData(ApiServerVersion.V1_28, 3)]
    [InlineData(ApiServerVersion.V1_36, 1)]
    public async Task Nothing_but_the_Node_is_asked_for_until_it_has_them(ApiServerVersion version, int requests)
    {
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = version });
        server.Apply(Node(""));
        var wait = PodPrefixes.WaitAsync(
            new ProxyOptions { Masters = [server.Address] }, "node-a", TimeProvider.System, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        await UntilAsync(() => server.Requests.Count >= requests);
        Assert.False(wait.IsCompleted);

        server.Apply(Node("'10.244.1.0/24','fd00:1::/64','10.244.2.0/24'"));

        Assert.Equal(["10.244.1.0/24", "fd00:1::/64"], (await wait).Select(prefix => prefix.ToString()));
        Assert.Equal(Enumerable.Repeat("nodes", requests), server.Requests.Select(request => request.Resource));
    }

    private static string Node(string prefixes) =>
        "{'kind':'Node','apiVersion':'v1','metadata':{'name':'node-a'},'spec':{'podCIDRs':[" + prefixes + "]},"
        + "'status':{'addresses':[{'type':'InternalIP','address':'10.0.0.1'}]}}";

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            await Task.Delay(5, deadline.Token);
        }
    }
}
