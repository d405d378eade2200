using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>
/// What holds with every API server: the one of the tests, as each of its versions answers, and Kubernetes' own where
/// KUBEBUILDER_ASSETS names a folder with etcd and kube-apiserver.
/// </summary>
public sealed class AnyApiServerTests : IDisposable
{
    private const string Real = "KUBEBUILDER_ASSETS";

    private readonly string _folder = Directory.CreateTempSubdirectory("ebpf-proxy-any-").FullName;

    public static TheoryData<string> Servers =>
        [.. Enum.GetNames<ApiServerVersion>(), .. RealApiServer.Assets is null ? Array.Empty<string>() : [Real]];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Objects_are_listed_and_changes_followed(string name)
    {
        await using var server = await StartAsync(name);
        await server.ApplyAsync(Cluster.Service("old", "10.96.0.11"));
        await server.ApplyAsync(Cluster.Service("web"));
        await server.ApplyAsync(Cluster.Slice("web-1"));
        await server.ApplyAsync(Cluster.Node("node-a"));
        await server.ApplyAsync(Cluster.Node("node-b", "z2"));
        await using var source = Follow(server);

        // A list from a server's cache may lack what came last; the watch brings it.
        await source.WaitAsync(() => source.Sink.In("shop") == "old web web-1" && source.Sink.Node?.Zone == "z1");

        await server.ApplyAsync(Cluster.Service("new", "10.96.0.12"));
        await server.ApplyAsync(Cluster.Slice("web-1", "10.1.0.9"));
        await server.ApplyAsync(Cluster.Slice("web-2"));
        await server.ApplyAsync(Cluster.Node("node-a", "z9"));
        await server.DeleteAsync("Service", "shop", "old");

        await source.WaitAsync(() => source.Sink.In("shop") == "new web web-1 web-2" && source.Sink.Node?.Zone == "z9"
            && source.Sink.Slice("shop", "web-1")!.Endpoints[0].Address.ToString() == "10.1.0.9");
        Assert.Equal("10.96.0.10", source.Sink.Service("shop", "web")!.ClusterIPs.Single().ToString());
        Assert.Empty(source.Faults.Lines);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task What_leaves_the_selection_is_removed_and_what_comes_into_it_is_added(string name)
    {
        await using var server = await StartAsync(name);
        await server.ApplyAsync(Cluster.Service("web"));
        await server.ApplyAsync(Cluster.Service("theirs", "10.96.0.11", labels: "'service.kubernetes.io/service-proxy-name':''"));
        await server.ApplyAsync(Cluster.Slice("web-1"));
        await server.ApplyAsync(Cluster.Slice("headless-1", labels: ",'service.kubernetes.io/headless':''"));
        await using var source = Follow(server);
        await source.WaitAsync(() => source.Sink.In("shop") == "web web-1");

        await server.ApplyAsync(Cluster.Service("web", labels: "'service.kubernetes.io/service-proxy-name':'x'"));
        await server.ApplyAsync(Cluster.Service("theirs", "10.96.0.11"));
        await server.ApplyAsync(Cluster.Slice("web-1", labels: ",'service.kubernetes.io/headless':''"));
        await server.ApplyAsync(Cluster.Slice("headless-1"));

        await source.WaitAsync(() => source.Sink.In("shop") == "headless-1 theirs");
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_node_comes_and_goes(string name)
    {
        await using var server = await StartAsync(name);
        await using var source = Follow(server);
        await source.WaitForWatchesAsync();
        Assert.Null(source.Sink.Node);

        await server.ApplyAsync(Cluster.Node("node-a"));
        await source.WaitAsync(() => source.Sink.Node is not null);
        await server.DeleteAsync("Node", "", "node-a");

        await source.WaitAsync(() => source.Sink.Node is null);
    }

    private static async Task<IApiServer> StartAsync(string name) => name == Real
        ? await RealApiServer.StartAsync(new ControlPlaneFiles())
        : await KubernetesApiServer.StartAsync(new ApiServerOptions { Version = Enum.Parse<ApiServerVersion>(name) });

    private RunningSource Follow(IApiServer server) =>
        new(RunningSource.Options() with { Kubeconfig = server.WriteKubeconfig(_folder) });
}
