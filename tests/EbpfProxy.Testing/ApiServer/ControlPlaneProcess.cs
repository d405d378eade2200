using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>etcd or kube-apiserver, as a process on the control plane's address.</summary>
public sealed class ControlPlaneProcess : IDisposable
{
    private const int EtcdPort = 2379;
    private const int EtcdPeerPort = 2380;
    private const int ApiServerPort = 6443;

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly LineProcess _process;
    private readonly HttpClient _client;

    private ControlPlaneProcess(string program, Uri address, ControlPlaneFiles files, IReadOnlyList<string> arguments)
    {
        Address = address;
        _client = files.MakeClient(address);
        string[] enter = files.Network is { } network ? ["nsenter", $"--net={network.Path}"] : [];
        _process = new LineProcess([.. enter, program, .. arguments]);
    }

    public Uri Address { get; }

    public static async Task<ControlPlaneProcess> StartEtcdAsync(string program, ControlPlaneFiles files)
    {
        var address = AddressOf(files, EtcdPort);
        return await StartAsync(program, address, files, EtcdArguments(files, address, AddressOf(files, EtcdPeerPort)), "/health");
    }

    public static async Task<ControlPlaneProcess> StartApiServerAsync(
        string program, ControlPlaneFiles files, Uri etcd, IReadOnlyList<string> more)
    {
        var address = AddressOf(files, ApiServerPort);
        return await StartAsync(program, address, files, [.. ApiServerArguments(files, address, etcd), .. more], "/readyz");
    }

    /// <summary>etcd that lets in only who shows a certificate of the authority.</summary>
    public static string[] EtcdArguments(ControlPlaneFiles files, Uri clients, Uri peers) =>
    [
        "--data-dir", files.At("etcd"),
        "--listen-client-urls", Text(clients), "--advertise-client-urls", Text(clients),
        "--listen-peer-urls", Text(peers), "--initial-advertise-peer-urls", Text(peers), "--initial-cluster", $"default={Text(peers)}",
        "--client-cert-auth", "--trusted-ca-file", files.Authority, "--cert-file", files.ServerCertificate, "--key-file", files.ServerKey,
        "--peer-client-cert-auth", "--peer-trusted-ca-file", files.Authority,
        "--peer-cert-file", files.ServerCertificate, "--peer-key-file", files.ServerKey,
    ];

    /// <summary>kube-apiserver on that etcd, with the service addresses of the tests; flags of 1.21 and of today.</summary>
    public static string[] ApiServerArguments(ControlPlaneFiles files, Uri address, Uri etcd) =>
    [
        $"--etcd-servers={Text(etcd)}", $"--etcd-cafile={files.Authority}", $"--etcd-certfile={files.AdminCertificate}", $"--etcd-keyfile={files.AdminKey}",
        $"--bind-address={address.Host}", $"--advertise-address={address.Host}", $"--secure-port={address.Port}",
        $"--tls-cert-file={files.ServerCertificate}", $"--tls-private-key-file={files.ServerKey}", $"--client-ca-file={files.Authority}",
        "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112",
        "--service-account-issuer=https://kubernetes.default.svc",
        $"--service-account-key-file={files.SigningKey}", $"--service-account-signing-key-file={files.SigningKey}",
        $"--cert-dir={files.At("apiserver")}",
    ];

    public void Dispose()
    {
        _process.Dispose();
        _client.Dispose();
    }

    private static string Text(Uri address) => address.AbsoluteUri.TrimEnd('/');

    private static Uri AddressOf(ControlPlaneFiles files, int port) => new UriBuilder(Uri.UriSchemeHttps, $"{files.Address}", port).Uri;

    private static async Task<ControlPlaneProcess> StartAsync(
        string program, Uri address, ControlPlaneFiles files, IReadOnlyList<string> arguments, string health)
    {
        var process = new ControlPlaneProcess(program, address, files, arguments);
        try
        {
            await process.WaitAsync(health);
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
    }

    private async Task WaitAsync(string health)
    {
        long begin = Environment.TickCount64;
        string last = "";
        while (true)
        {
            try
            {
                using var answer = await _client.GetAsync(health);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }

                last = await answer.Content.ReadAsStringAsync();
            }
            catch (HttpRequestException error)
            {
                last = error.InnerException?.Message ?? error.Message;
            }

            if (_process.HasExited || Environment.TickCount64 - begin > _deadline.TotalMilliseconds)
            {
                throw new IOException($"{Address} is not healthy: {last}\n{string.Join('\n', _process.Lines.TakeLast(40))}");
            }

            await Task.Delay(50);
        }
    }
}
