using System.Net;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class ApiServersTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebpf-proxy-servers-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_next_server_is_asked_where_one_does_not_answer()
    {
        await using var one = await KubernetesApiServer.StartAsync();
        await using var two = await KubernetesApiServer.StartAsync();
        one.Apply(Cluster.Service("one"));
        two.Apply(Cluster.Service("two"));
        var gone = one.Address;
        await one.StopAsync();

        await using var source = new RunningSource(RunningSource.Options(gone, two.Address));

        await source.WaitForSyncAsync();
        Assert.Equal("two", source.Sink.Services);
        Assert.Equal(two.Address, source.Source.Server);
        Assert.Equal(0, source.Watch("services").Errors);
    }

    [Fact]
    public async Task The_addresses_of_the_kubernetes_Service_are_kept_and_asked_after_the_next_start()
    {
        using var authority = new TestAuthority();
        string state = Path.Combine(_folder, "servers");
        await using var first = await KubernetesApiServer.StartAsync(new ApiServerOptions { Authority = authority });
        await using var second = await KubernetesApiServer.StartAsync(new ApiServerOptions
        {
            Authority = authority,
            Address = IPAddress.Parse("127.0.0.2"),
            CertificateNames = ["kubernetes.default.svc"],
        });
        first.Apply(Cluster.Slice("kubernetes", "127.0.0.2", space: "default", service: "kubernetes", port: $"'name':'https','port':{second.Address.Port}"));
        first.Apply(Cluster.Slice("other", "127.0.0.3", space: "shop", service: "kubernetes"));
        string kubeconfig = new Kubeconfig
        {
            Server = first.Address,
            Cluster = { ["certificate-authority-data"] = Kubeconfig.Base64(authority.Pem) },
        }.Write(Path.Combine(_folder, "config"));
        var options = RunningSource.Options() with { Kubeconfig = kubeconfig, StateFile = state };
        await using (var before = new RunningSource(options))
        {
            await before.WaitForSyncAsync();
        }

        Assert.Equal([second.Address.AbsoluteUri], File.ReadAllLines(state));
        await first.StopAsync();
        second.Apply(Cluster.Service("second"));

        await using var source = new RunningSource(options);

        await source.WaitForSyncAsync();
        Assert.Equal("second", source.Sink.Services);
    }

    [Fact]
    public async Task A_server_that_does_not_take_the_credentials_is_not_stayed_with()
    {
        using var authority = new TestAuthority();
        await using var gateway = await KubernetesApiServer.StartAsync(new ApiServerOptions { Authority = authority, Token = "of the gateway" });
        await using var behind = await KubernetesApiServer.StartAsync(new ApiServerOptions { Authority = authority, Address = IPAddress.Parse("127.0.0.2"), Token = "other" });
        gateway.Apply(Cluster.Slice("kubernetes", "127.0.0.2", space: "default", service: "kubernetes", port: $"'name':'https','port':{behind.Address.Port}"));
        var kubeconfig = new Kubeconfig
        {
            Server = gateway.Address,
            Cluster = { ["certificate-authority-data"] = Kubeconfig.Base64(authority.Pem) },
            User = { ["token"] = "of the gateway" },
        };
        await using var source = new RunningSource(RunningSource.Options() with { Kubeconfig = kubeconfig.Write(Path.Combine(_folder, "config")) });
        await source.WaitForWatchesAsync();
        await gateway.StopAsync();
        await source.WaitAsync(() => behind.Requests.Count > 0);
        gateway.Apply(Cluster.Service("new"));

        await gateway.StartAsync();

        await source.WaitAsync(() => source.Sink.Services == "new");
    }

    [Fact]
    public async Task A_state_file_that_makes_no_sense_does_no_harm()
    {
        string state = Path.Combine(_folder, "servers");
        File.WriteAllText(state, "\0\nhttp://192.0.2.1\nx y\n");
        await using var server = await KubernetesApiServer.StartAsync();

        await using var source = new RunningSource(RunningSource.Options(server.Address) with { StateFile = state });

        await source.WaitForSyncAsync();
    }
}
