using System.Net;
using System.Net.Sockets;
using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Testing.ApiServer;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class CredentialTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebpf-proxy-credentials-").FullName;
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("token")]
    [InlineData("tokenFile")]
    [InlineData("certificate inline")]
    [InlineData("certificate in files")]
    [InlineData("exec with a token")]
    [InlineData("exec with a certificate")]
    public async Task Every_form_of_user_in_a_kubeconfig_is_let_in(string form)
    {
        await using var server = await StartAsync(new ApiServerOptions { Token = "secret", WantsCertificate = true });
        var (certificate, key) = _authority.IssueClient("system:node:node-a");
        File.WriteAllText(InFolder("token"), "secret\n");
        File.WriteAllText(InFolder("me.crt"), certificate);
        File.WriteAllText(InFolder("me.key"), key);
        string status = form == "exec with a token"
            ? "{\"token\":\"secret\"}"
            : System.Text.Json.JsonSerializer.Serialize(new { clientCertificateData = certificate, clientKeyData = key });
        File.WriteAllText(InFolder("answer.json"),
            "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":" + status + "}");
        var kubeconfig = Trusting(server) with
        {
            User = form switch
            {
                "token" => new() { ["token"] = "secret" },
                "tokenFile" => new() { ["tokenFile"] = "token" },
                "certificate inline" => new()
                {
                    ["client-certificate-data"] = Kubeconfig.Base64(certificate),
                    ["client-key-data"] = Kubeconfig.Base64(key),
                },
                "certificate in files" => new() { ["client-certificate"] = "me.crt", ["client-key"] = "me.key" },
                _ => [],
            },
            Exec = form.StartsWith("exec", StringComparison.Ordinal) ? ["cat", InFolder("answer.json")] : [],
        };

        await using var source = Run(kubeconfig);

        await source.WaitForSyncAsync();
    }

    [Theory]
    [InlineData("another name", "RemoteCertificateNameMismatch")]
    [InlineData("another authority", "UntrustedRoot,NotSignatureValid,PartialChain")]
    [InlineData("the authorities of the machine", "UntrustedRoot,PartialChain")]
    public async Task A_server_with_a_wrong_certificate_is_refused_and_the_reason_told(string wrong, string reasons)
    {
        using var other = new TestAuthority();
        await using var server = await StartAsync(new ApiServerOptions
        {
            CertificateNames = wrong == "another name" ? ["kubelet.example", "192.0.2.1"] : [],
        });
        var kubeconfig = new Kubeconfig { Server = server.Address };
        if (wrong != "the authorities of the machine")
        {
            kubeconfig.Cluster["certificate-authority-data"] = Kubeconfig.Base64((wrong == "another authority" ? other : _authority).Pem);
        }

        await using var source = Run(kubeconfig);

        await source.WaitAsync(() => source.Watch("services").Errors > 0);
        string error = source.Watch("services").LastError!;
        Assert.StartsWith($"the certificate of {server.Address} is refused: ", error);
        Assert.True(reasons.Split(',').Any(error.Contains), error);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_authority_that_is_no_root_is_trusted_as_it_is(bool isSent)
    {
        using var intermediate = new TestAuthority("intermediate", _authority);
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions
        {
            Authority = intermediate,
            SentAuthorities = isSent ? [intermediate] : [],
        });

        await using var source = Run(Trusting(server, intermediate));

        await source.WaitForSyncAsync();
    }

    [Fact]
    public async Task Under_an_authority_that_is_no_root_the_name_is_checked()
    {
        using var intermediate = new TestAuthority("intermediate", _authority);
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions
        {
            Authority = intermediate,
            CertificateNames = ["kubelet.example"],
        });

        await using var source = Run(Trusting(server, intermediate));

        await source.WaitAsync(() => source.Watch("services").Errors > 0);
        Assert.Contains("RemoteCertificateNameMismatch", source.Watch("services").LastError);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task An_authority_that_only_bears_the_name_of_the_trusted_one_is_refused()
    {
        using var intermediate = new TestAuthority("intermediate", _authority);
        using var other = new TestAuthority("intermediate", _authority);
        await using var server = await KubernetesApiServer.StartAsync(new ApiServerOptions { Authority = other, SentAuthorities = [other] });

        await using var source = Run(Trusting(server, intermediate));

        await source.WaitAsync(() => source.Watch("services").Errors > 0);
        Assert.Contains("is refused", source.Watch("services").LastError);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("tls-server-name", "api.example")]
    [InlineData("insecure-skip-tls-verify", "true")]
    public async Task A_server_under_another_name_is_trusted_where_the_kubeconfig_says_so(string field, string value)
    {
        await using var server = await StartAsync(new ApiServerOptions { CertificateNames = ["api.example"] });
        var kubeconfig = new Kubeconfig { Server = server.Address, Cluster = { [field] = value } };
        if (field == "tls-server-name")
        {
            kubeconfig.Cluster["certificate-authority-data"] = Kubeconfig.Base64(_authority.Pem);
        }

        await using var source = Run(kubeconfig);

        await source.WaitForSyncAsync();
    }

    /// <summary>Nor do the names that are trusted besides where none is asked for: the server's own, and that of the Service.</summary>
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("kubernetes.default.svc")]
    public async Task No_other_name_will_do_where_the_kubeconfig_asks_for_one(string name)
    {
        await using var server = await StartAsync(new ApiServerOptions { CertificateNames = [name] });
        var kubeconfig = Trusting(server);
        kubeconfig.Cluster["tls-server-name"] = "api.example";

        await using var source = Run(kubeconfig);

        await source.WaitAsync(() => source.Watch("services").Errors > 0);
        Assert.Contains("RemoteCertificateNameMismatch", source.Watch("services").LastError);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_plugin_whose_token_is_refused_is_run_again()
    {
        await using var server = await StartAsync(new ApiServerOptions { Token = "secret" });
        string[] plugin = Plugin("""{"token":"'"$([ "$(wc -l < "$0.runs")" = 1 ] && echo stale || echo secret)"'"}""");

        await using var source = Run(Trusting(server) with { Exec = plugin });

        await source.WaitForSyncAsync();
    }

    [Theory]
    [InlineData("2001-01-01T00:00:00Z", true)]
    [InlineData("2999-01-01T00:00:00Z", false)]
    public async Task A_plugin_is_run_again_when_what_it_gave_has_expired(string expires, bool isAgain)
    {
        await using var server = await StartAsync(new ApiServerOptions { Token = "secret" });
        string[] plugin = Plugin("""{"token":"secret","expirationTimestamp":"EXPIRES"}""".Replace("EXPIRES", expires, StringComparison.Ordinal));

        await using var source = Run(Trusting(server) with { Exec = plugin });

        await source.WaitForSyncAsync();
        Assert.Equal(isAgain, File.ReadAllLines(plugin[1] + ".runs").Length > 1);
    }

    [Fact]
    public async Task A_proxy_of_the_kubeconfig_is_used()
    {
        await using var server = await StartAsync(new ApiServerOptions());
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var kubeconfig = Trusting(server);
        kubeconfig.Cluster["proxy-url"] = $"http://{proxy.LocalEndpoint}";
        await using var source = Run(kubeconfig);

        using var client = await proxy.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask()
            .WaitAsync(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream());
        string? line = await reader.ReadLineAsync(TestContext.Current.CancellationToken);

        Assert.Equal($"CONNECT {server.Address.Authority} HTTP/1.1", line);
        proxy.Stop();
    }

    [Fact]
    public async Task A_proxy_is_told_the_user_and_password_of_its_address()
    {
        await using var server = await StartAsync(new ApiServerOptions());
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var kubeconfig = Trusting(server);
        kubeconfig.Cluster["proxy-url"] = $"http://me:a%40b@{proxy.LocalEndpoint}";
        await using var source = Run(kubeconfig);

        string? told = null;
        for (int connection = 0; connection < 10 && told is null; connection++)
        {
            using var client = await proxy.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);
            using var reader = new StreamReader(client.GetStream());
            while (told is null && await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            {
                if (line.StartsWith("Proxy-Authorization: ", StringComparison.Ordinal))
                {
                    told = line;
                }
                else if (line.Length == 0)
                {
                    await client.GetStream().WriteAsync(
                        "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(),
                        TestContext.Current.CancellationToken);
                    break;
                }
            }
        }

        Assert.Equal($"Proxy-Authorization: Basic {Kubeconfig.Base64("me:a@b")}", told);
        proxy.Stop();
    }

    [Fact]
    public async Task A_token_that_changes_is_read_again()
    {
        await using var server = await StartAsync(new ApiServerOptions { Token = "first" });
        File.WriteAllText(InFolder("token"), "first");
        File.WriteAllText(InFolder("ca.crt"), _authority.Pem);
        await using var source = new RunningSource(RunningSource.Options() with { InClusterServer = server.Address, ServiceAccountFolder = _folder });
        await source.WaitForWatchesAsync();

        File.WriteAllText(InFolder("token"), "second");
        server.Token = "second";
        server.EndWatches();

        await source.WaitAsync(() => source.Watch("services").Watches > 1);
        Assert.DoesNotContain(source.Log.Lines, line => line.Text.Contains("Unauthorized"));
    }

    /// <summary>What the kubelet tells a pod, and what may be told besides.</summary>
    [Theory]
    [InlineData(1, true, false, false)]
    [InlineData(0, false, false, false)]
    [InlineData(0, true, true, false)]
    [InlineData(0, true, false, true)]
    public async Task A_pod_that_knows_only_the_Service_of_the_API_server_is_warned(int warnings, bool isService, bool hasMaster, bool remembers)
    {
        await using var server = await StartAsync(new ApiServerOptions { Token = "secret" });
        File.WriteAllText(InFolder("token"), "secret");
        File.WriteAllText(InFolder("ca.crt"), _authority.Pem);
        if (remembers)
        {
            File.WriteAllText(InFolder("servers"), "https://127.0.0.3:1/\n");
        }

        await using var source = new RunningSource(RunningSource.Options(hasMaster ? [server.Address] : []) with
        {
            InClusterServer = hasMaster ? new Uri("https://127.0.0.2:1/") : server.Address,
            IsInClusterServerAService = isService,
            ServiceAccountFolder = _folder,
            StateFile = InFolder("servers"),
        });
        await source.WaitForWatchesAsync();

        Assert.Equal(warnings, source.Log.Lines.Count(line => line.Id == 3019 && line.Text.Contains(server.Address.Authority, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true, "10.96.0.1", "tcp://10.96.0.1:443")]
    [InlineData(true, "fd00::1", "tcp://[fd00::1]:443")]
    [InlineData(false, "192.0.2.1", "tcp://10.96.0.1:443")]
    [InlineData(false, "api.cluster.example", "tcp://10.96.0.1:443")]
    [InlineData(false, "10.96.0.1", null)]
    [InlineData(false, null, "tcp://10.96.0.1:443")]
    public void The_Service_is_told_from_a_server_s_own_address(bool isService, string? host, string? url) =>
        Assert.Equal(isService, KubernetesOptions.IsService(host, url));

    [Fact]
    public async Task An_authority_that_changes_is_read_again()
    {
        using var next = new TestAuthority();
        File.WriteAllText(InFolder("ca.crt"), _authority.Pem);
        await using var server = await StartAsync(new ApiServerOptions());
        var kubeconfig = new Kubeconfig { Server = server.Address, Cluster = { ["certificate-authority"] = "ca.crt" } };
        await using var source = Run(kubeconfig);
        await source.WaitForWatchesAsync();
        await server.StopAsync();
        await using var renewed = await KubernetesApiServer.StartAsync(new ApiServerOptions { Authority = next, Port = server.Address.Port });
        await source.WaitAsync(() => source.Watch("services").LastError?.Contains("is refused") == true);
        long before = source.Watch("services").Watches;

        File.WriteAllText(InFolder("ca.crt"), _authority.Pem + "\n" + next.Pem);

        await source.WaitAsync(() => source.Watch("services").Watches > before);
        Assert.Contains(source.Log.Lines, line => line.Id == 3012);
    }

    [Fact]
    public async Task A_missing_permission_is_told_in_the_servers_words()
    {
        await using var server = await StartAsync(new ApiServerOptions { Token = "secret" });
        await using var source = Run(Trusting(server) with { User = new() { ["token"] = "wrong" } });

        await source.WaitAsync(() => source.Watch("services").Errors > 0);

        Assert.Equal("401: Unauthorized", source.Watch("services").LastError);
    }

    [Fact]
    public async Task What_a_role_does_not_allow_is_told_in_the_servers_words()
    {
        const string Words = "services is forbidden: User \"system:node:node-a\" cannot list resource \"services\" in API group \"\" at the cluster scope";
        await using var server = await StartAsync(new ApiServerOptions());
        server.Fault = request => request.Resource == "services" ? new ApiFault.Status(403, "Forbidden", Words) : null;

        await using var source = Run(Trusting(server));

        await source.WaitAsync(() => source.Watch("services").Errors > 0);
        Assert.Equal($"403: {Words}", source.Watch("services").LastError);
        Assert.Contains(source.Log.Lines, line => line.Text.Contains($"403: {Words}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("no such file", null, "kubeconfig")]
    [InlineData("no YAML", "a: [", "kubeconfig")]
    [InlineData("no context", "current-context: x\n", "it has no context \"x\"")]
    public void A_kubeconfig_that_makes_no_sense_is_refused_with_its_path(string _, string? text, string expected)
    {
        if (text is not null)
        {
            File.WriteAllText(InFolder("config"), text);
        }

        var error = Assert.Throws<InvalidDataException>(() => CredentialsLoader.Load(
            RunningSource.Options() with { Kubeconfig = InFolder("config") }, TimeProvider.System));

        Assert.Contains(InFolder("config"), error.Message);
        Assert.Contains(expected, error.Message);
    }

    /// <summary>An exec plugin with this status, which may ask how often it was run: a line a run stands beside it.</summary>
    private string[] Plugin(string status)
    {
        string script = InFolder("plugin.sh");
        File.WriteAllText(
            script,
            "echo run >> \"$0.runs\"\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":" + status + "}'\n");
        return ["sh", script];
    }

    private string InFolder(string file) => Path.Combine(_folder, file);

    private RunningSource Run(Kubeconfig kubeconfig) =>
        new(RunningSource.Options() with { Kubeconfig = kubeconfig.Write(InFolder("config")) });

    private Kubeconfig Trusting(KubernetesApiServer server, TestAuthority? authority = null) =>
        new() { Server = server.Address, Cluster = { ["certificate-authority-data"] = Kubeconfig.Base64((authority ?? _authority).Pem) } };

    private Task<KubernetesApiServer> StartAsync(ApiServerOptions options) =>
        KubernetesApiServer.StartAsync(options with { Authority = _authority });
}
