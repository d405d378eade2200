using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>The folder of a control plane on a loopback address of its own: its authority, certificates and keys, and a client that they let in.</summary>
public sealed class ControlPlaneFiles : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly (string Certificate, string Key) _admin;

    public ControlPlaneFiles()
    {
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

    /// <summary>Where nobody else listens: a port that is free on 127.0.0.1 may be taken when a process comes to it.</summary>
    public IPAddress Address { get; } = new([127, (byte)Random.Shared.Next(1, 255), (byte)Random.Shared.Next(256), (byte)Random.Shared.Next(1, 255)]);

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
        return new HttpClient(new SocketsHttpHandler { SslOptions = tls }) { BaseAddress = server, DefaultRequestVersion = HttpVersion.Version11 };
    }

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
