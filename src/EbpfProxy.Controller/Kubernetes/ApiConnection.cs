using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// The HTTP client for the API servers. It is made anew when a file that it was made of has changed; what runs on the
/// one before goes on there. Thread-safe.
/// </summary>
internal sealed class ApiConnection(Credentials credentials, ApiServers servers, ILogger log) : IDisposable
{
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1);
    private HttpMessageInvoker? _client;
    private byte[] _madeOf = [];
    private volatile string? _refusal;

    /// <summary>Why a server's certificate was refused last; the TLS stack does not say.</summary>
    public string? Refusal => _refusal;

    /// <summary>The client to send the next request with.</summary>
    public async Task<HttpMessageInvoker> GetAsync(CancellationToken token)
    {
        await _turn.WaitAsync(token);
        try
        {
            await RefreshAsync(token);
            return _client!;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _client?.Dispose();
        _turn.Dispose();
    }

    private async Task RefreshAsync(CancellationToken token)
    {
        try
        {
            byte[]? authority = credentials.Authority?.Read();
            var (certificate, key) = await ClientCertificateAsync(token);
            byte[] madeOf = [.. authority ?? [], 0, .. certificate ?? [], 0, .. key ?? []];
            if (_client is not null && madeOf.AsSpan().SequenceEqual(_madeOf))
            {
                return;
            }

            var client = new HttpMessageInvoker(MakeHandler(authority, certificate, key));
            if (_client is not null)
            {
                Log.CertificatesReloaded(log);
            }

            // The earlier client is left to the collector: to dispose of it would end the watches that still run on it.
            _client = client;
            _madeOf = madeOf;
        }
        catch (Exception error) when (_client is not null && error is IOException or CryptographicException or UnauthorizedAccessException)
        {
            // A file that is being written; the next request looks again.
            Log.CertificatesFailed(log, error.Message);
        }
    }

    private async Task<(byte[]? Certificate, byte[]? Key)> ClientCertificateAsync(CancellationToken token)
    {
        if (credentials.Certificate is not null)
        {
            byte[] certificate = credentials.Certificate.Read();
            return (certificate, credentials.CertificateKey?.Read() ?? certificate);
        }

        if (credentials.Exec is { } exec && await exec.GetAsync(token) is { Certificate: { } pem, CertificateKey: { } key })
        {
            return (System.Text.Encoding.UTF8.GetBytes(pem), System.Text.Encoding.UTF8.GetBytes(key));
        }

        return default;
    }

    private SocketsHttpHandler MakeHandler(byte[]? authority, byte[]? certificate, byte[]? key)
    {
        return new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.GZip,
            ConnectTimeout = _connectTimeout,
            UseCookies = false,

            // Notices a server that is gone without a word, which a watch would else wait for.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            ConnectCallback = ConnectAsync,
            SslOptions = MakeTls(authority, certificate, key),
            Proxy = credentials.Proxy is { } proxy
                ? new WebProxy(proxy) { Credentials = new UserInfoCredentials() }
                : new EnvironmentProxy(Environment.GetEnvironmentVariable),
        };
    }

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken token)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, token);
        return new NetworkStream(await Dialing.ConnectAsync(addresses, context.DnsEndPoint.Port, token), ownsSocket: true);
    }

    private SslClientAuthenticationOptions MakeTls(byte[]? authority, byte[]? certificate, byte[]? key)
    {
        var tls = new SslClientAuthenticationOptions();
        if (authority is not null)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.ImportFromPem(System.Text.Encoding.UTF8.GetString(authority));
            tls.CertificateChainPolicy = policy;
        }

        if (certificate is not null && key is not null)
        {
            tls.ClientCertificateContext = MakeClientCertificate(
                System.Text.Encoding.UTF8.GetString(certificate), System.Text.Encoding.UTF8.GetString(key));
        }

#pragma warning disable CA5359 // The kubeconfig says insecure-skip-tls-verify.
        tls.RemoteCertificateValidationCallback = credentials.SkipsVerification ? (_, _, _, _) => true : AcceptKnownName;
#pragma warning restore CA5359
        return tls;
    }

    private static SslStreamCertificateContext MakeClientCertificate(string certificate, string key)
    {
        var own = X509Certificate2.CreateFromPem(certificate, key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificate);
        return SslStreamCertificateContext.Create(own, chain, offline: true);
    }

    /// <summary>
    /// The certificate must be sound and bear the name that was asked for. A server whose address was learned from the
    /// cluster may also bear a name that the configuration gives, or the one that only API servers have.
    /// </summary>
    private bool AcceptKnownName(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        string asked = (sender as SslStream)?.TargetHostName ?? "";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) && chain is not null && TrustAnchors.IsReached(chain))
        {
            errors &= ~SslPolicyErrors.RemoteCertificateChainErrors;
        }

        if (errors == SslPolicyErrors.None
            || (errors == SslPolicyErrors.RemoteCertificateNameMismatch && BearsOtherName(asked, certificate)))
        {
            return true;
        }

        var status = chain?.ChainStatus.Select(status => $"{status.Status} ({status.StatusInformation.Trim()})") ?? [];
        _refusal = errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)
            ? string.Join(", ", status)
            : $"{errors}: it is not for {asked}";
        return false;
    }

    private bool BearsOtherName(string asked, X509Certificate? certificate) =>
        certificate is X509Certificate2 server
        && credentials.ServerName is null
        && !servers.ConfiguredHosts.Contains(asked)
        && servers.ConfiguredHosts.Append("kubernetes.default.svc").Any(name => server.MatchesHostname(name));
}
