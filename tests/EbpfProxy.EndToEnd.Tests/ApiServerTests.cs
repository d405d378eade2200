using System.Text.RegularExpressions;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.ApiServer;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>The daemon follows an API server over TLS.</summary>
public sealed class ApiServerTests : IDisposable
{
    private const string Address = "10.96.0.30";

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly TestAuthority _authority = new();
    private readonly TestNode _node = new();
    private readonly Pod _client;
    private readonly Pod _a;
    private readonly Pod _b;

    public ApiServerTests()
    {
        _client = _node.AddPod("client");
        _a = _node.AddPod("a");
        _b = _node.AddPod("b");
        _a.Serve($"{BackendPort}");
        _b.Serve($"{BackendPort}");
    }

    private ManifestService Service => new("api", Address, Port, BackendPort, _a.IPv4, _b.IPv4);

    public void Dispose()
    {
        _node.Dispose();
        _authority.Dispose();
    }

    [KernelFact]
    public async Task Traffic_follows_the_objects_of_the_server()
    {
        await using var server = await StartServerAsync();
        using var proxy = StartProxy(server);

        server.Apply(Service.ServiceJson());
        server.Apply(Service.SliceJson());
        _node.WaitForBackends("api", _a.IPv4, _b.IPv4);
        Assert.Equal(["a/8080", "b/8080"], Asked());

        server.Apply(Service.WithEndpoints(_b.IPv4).SliceJson());
        _node.WaitForBackends("api", _b.IPv4);
        Assert.Equal(["b/8080"], Asked());

        server.Delete("EndpointSlice", "default", "api-1");
        _node.WaitForBackends("api");
        Assert.Equal("connect ECONNREFUSED", _client.Place.AskInVain("tcp4", Address, Port));
    }

    [KernelFact]
    public async Task Status_says_when_the_server_was_last_heard_of_and_what_is_wrong()
    {
        await using var server = await StartServerAsync();
        using var proxy = StartProxy(server);
        Eventually.Holds(() => Matches(@"^source +API server https://\S+, last heard of \d+ s ago$"), _deadline);

        await server.StopAsync();

        Eventually.Holds(() => Matches(@"^source +API server https://\S+, last heard of \d+ (s|min \d+ s) ago: \w+: .+$"), _deadline);

        bool Matches(string pattern) => Regex.IsMatch(_node.Command("status").Output, pattern, RegexOptions.Multiline);
    }

    [KernelFact]
    public async Task Server_that_restarts_is_followed_again_and_no_connection_fails()
    {
        await using var server = await StartServerAsync();
        server.Apply(Service.ServiceJson());
        server.Apply(Service.SliceJson());
        using var proxy = StartProxy(server);
        using var load = _client.Place.Load("tcp", (Address, Port, ""));

        await server.StopAsync();
        load.WaitForMore(500);
        server.Apply(Service.WithEndpoints(_b.IPv4).SliceJson());
        await server.StartAsync();
        _node.WaitForBackends("api", _b.IPv4);

        load.EndWithoutFailure();
        Assert.Equal(["b/8080"], Asked());
    }

    [KernelFact]
    public async Task Daemon_killed_without_its_server_is_adopted_when_the_server_is_back()
    {
        await using var server = await StartServerAsync();
        server.Apply(Service.ServiceJson());
        server.Apply(Service.SliceJson());
        var first = StartProxy(server);
        using var load = _client.Place.Load("tcp", (Address, Port, ""));
        load.WaitForMore(100);

        await server.StopAsync();
        first.Kill();
        first.Dispose();
        using var second = new NodeProxy(_node, "--kubeconfig", KubeconfigPath);
        second.WaitForLog(line => line.Contains("taken over", StringComparison.Ordinal));
        load.WaitForMore(500);
        await server.StartAsync();
        second.WaitUntilReady();

        load.EndWithoutFailure();
        Assert.DoesNotContain(second.Log, line => line.Contains("map writes", StringComparison.Ordinal));
    }

    private string KubeconfigPath => Path.Combine(_node.Manifests.Path, "kubeconfig");

    private string[] Asked() => [.. _client.Place.Spread("tcp", Address, Port, 100).Keys.Order()];

    private Task<KubernetesApiServer> StartServerAsync() => KubernetesApiServer.StartAsync(
        new() { Authority = _authority, Token = "secret", Namespace = _node.Network });

    private NodeProxy StartProxy(KubernetesApiServer server)
    {
        new Kubeconfig
        {
            Server = server.Address,
            Cluster = { ["certificate-authority-data"] = Kubeconfig.Base64(_authority.Pem) },
            User = { ["token"] = "secret" },
        }.Write(KubeconfigPath);
        return _node.StartProxy("--kubeconfig", KubeconfigPath);
    }
}
