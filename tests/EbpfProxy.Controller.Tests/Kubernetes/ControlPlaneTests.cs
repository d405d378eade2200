using System.Net;
using System.Text;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>As much of the start of a real control plane as can be seen without kube-apiserver.</summary>
public sealed class ControlPlaneTests : IDisposable
{
    private readonly ControlPlaneFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Etcd_keeps_what_a_client_with_a_certificate_writes_and_lets_in_no_other()
    {
        using var etcd = await ControlPlaneProcess.StartEtcdAsync(Etcd(), _files);
        using var client = _files.MakeClient(etcd.Address);

        await PostAsync(client, "/v3/kv/put", "{\"key\":\"YQ==\",\"value\":\"Yg==\"}");

        Assert.Contains("\"value\":\"Yg==\"", await PostAsync(client, "/v3/kv/range", "{\"key\":\"YQ==\"}"));
        using var stranger = _files.MakeClient(etcd.Address, showsCertificate: false);
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(stranger, "/v3/kv/range", "{\"key\":\"YQ==\"}"));
    }

    [Fact]
    public void The_files_that_kube_apiserver_is_given_are_there()
    {
        string[] arguments = ControlPlaneProcess.ApiServerArguments(_files, new Uri("https://127.0.0.1:6443"), new Uri("https://127.0.0.1:2379"));

        Assert.All(
            arguments.Where(argument => argument.Contains("file=", StringComparison.Ordinal)),
            argument => Assert.True(File.Exists(argument.Split('=')[1]), argument));
        Assert.Contains("--etcd-servers=https://127.0.0.1:2379", arguments);
        Assert.Contains("--secure-port=6443", arguments);
    }

    [Theory]
    [InlineData("Service", "shop", "/api/v1/namespaces/shop/services/x")]
    [InlineData("EndpointSlice", "shop", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/x")]
    [InlineData("Node", "", "/api/v1/nodes/x")]
    [InlineData("Namespace", "", "/api/v1/namespaces/x")]
    public void Objects_are_at_the_paths_of_the_API(string kind, string space, string path) =>
        Assert.Equal(path, RealApiServer.PathOf(kind, space, "x"));

    /// <summary>The one of KUBEBUILDER_ASSETS, else the one that `make deps` leaves.</summary>
    private static string Etcd()
    {
        if (RealApiServer.Assets is { } assets)
        {
            return Path.Combine(assets, "etcd");
        }

        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "EbpfProxy.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder!.FullName, ".artifacts", "deps", "etcd", "usr", "bin", "etcd");
    }

    private static async Task<string> PostAsync(HttpClient client, string path, string json)
    {
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(path, body, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
