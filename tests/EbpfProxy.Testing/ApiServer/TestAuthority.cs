using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>A certificate authority that lives as long as a test.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _certificate;

    /// <summary>A root, or an authority that another one signs.</summary>
    public TestAuthority(string name = "kubernetes", TestAuthority? issuer = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _certificate = issuer is null
            ? request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1))
            : issuer.Sign(request, key);
    }

    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>The certificate, without its key.</summary>
    public X509Certificate2 Certificate => X509CertificateLoader.LoadCertificate(_certificate.RawData);

    /// <summary>A certificate for a server, with names or addresses.</summary>
    public X509Certificate2 IssueServer(params IEnumerable<string> names)
    {
        var alternative = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                alternative.AddIpAddress(address);
            }
            else
            {
                alternative.AddDnsName(name);
            }
        }

        using var issued = Issue("CN=kube-apiserver", alternative.Build());

        // The TLS stack of the server wants a key that it can load by itself.
        return X509CertificateLoader.LoadPkcs12(issued.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
    }

    /// <summary>A certificate for a client, and its key, in PEM.</summary>
    public (string Certificate, string Key) IssueClient(string name, string group = "system:nodes")
    {
        using var issued = Issue($"CN={name}, O={group}", null);
        return ToPem(issued);
    }

    /// <summary>A certificate and its key, in PEM.</summary>
    public static (string Certificate, string Key) ToPem(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public bool HasIssued(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(_certificate);
        return chain.Build(certificate);
    }

    public void Dispose() => _certificate.Dispose();

    private X509Certificate2 Issue(string subject, X509Extension? names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        if (names is not null)
        {
            request.CertificateExtensions.Add(names);
        }

        return Sign(request, key);
    }

    private X509Certificate2 Sign(CertificateRequest request, ECDsa key)
    {
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, true, false));

        // No certificate outlives the one that signs it, which may have been issued a second before.
        var end = new[] { DateTimeOffset.UtcNow.AddHours(12), new DateTimeOffset(_certificate.NotAfter) }.Min();
        using var issued = request.Create(_certificate, DateTimeOffset.UtcNow.AddHours(-1), end, RandomNumberGenerator.GetBytes(8));
        return issued.CopyWithPrivateKey(key);
    }
}
