using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>Where a control plane is, and its folder: its authority, certificates and keys, and a client that they let in.</summary>
public sealed class ControlPlaneFiles : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly (string Certificate, string Key) _admin;

    /// <summary>On a loopback address of its own, where nobody else listens.</summary>
    public ControlPlaneFiles()
        : this(new([127, (byte)Random.Shared.Next(1, 255), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]), network: null)
    {
    }

    public ControlPlaneFiles(IPAddress address, ScratchNetworkNamespace? network)
    {
        (Address, Network) = (address, network);
        using var server = _authority.IssueServer($"{Address}", "kubernetes.default.svc");
        var (certificate, key) = TestAuthority.ToPem(server);
        _admin = _authority.IssueClient("admin", "system:masters");
        using var signing = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(Authority, _authority.Pem);
        File.WriteAllText(ServerCertificate, certificate);
        File.WriteAllText(ServerKey, key);
        File.WriteAllText(AdminCertificate, _admin.Certificate);
        File.WriteAllText(AdminKey, _admin.Key);
        File.WriteAllText(SigningKey, signing.ExportECPrivateKeyPem());
    }

    public IPAddress Address { get; }

    /// <summary>Null for the one of the tests.</summary>
    public ScratchNetworkNamespace? Network { get; }

    public string Folder { get; } = Directory.CreateTempSubdirectory("ebpf-proxy-control-plane-").FullName;

    public string Authority => At("ca.crt");

    public string ServerCertificate => At("server.crt");

    public string ServerKey => At("server.key");

    public string AdminCertificate => At("admin.crt");

    public string AdminKey => At("admin.key");

    /// <summary>Signs the tokens of service accounts. In the form that kube-apiserver can tell the public key from too.</summary>
    public string SigningKey => At("tokens.key");

    public string At(string file) => Path.Combine(Folder, file);

    /// <summary>A client that trusts the authority; one of system:masters, unless it shows no certificate.</summary>
    public HttpClient MakeClient(Uri server, bool showsCertificate = true)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_authority.Certificate);
        var tls = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = policy,
            ClientCertificates = !showsCertificate ? [] : [X509Certificate2.CreateFromPem(_admin.Certificate, _admin.Key)],
        };
        var handler = new SocketsHttpHandler { SslOptions = tls };
        if (Network is { } network)
        {
            handler.ConnectCallback = (context, _) => ValueTask.FromResult<Stream>(Connect(network, context.DnsEndPoint));
        }

        return new HttpClient(handler) { BaseAddress = server, DefaultRequestVersion = HttpVersion.Version11 };
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static NetworkStream Connect(ScratchNetworkNamespace network, DnsEndPoint server)
    {
        Socket? socket = null;
        network.Invoke(() =>
        {
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(server);
        });
        return new NetworkStream(socket!, ownsSocket: true);
    }
}
