using System.Net;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>The Kubernetes versions whose answers the server gives.</summary>
public enum ApiServerVersion
{
    V1_21,
    V1_28,
    V1_36,
}

/// <summary>How a test's API server is reached and how it answers.</summary>
public sealed record ApiServerOptions
{
    public ApiServerVersion Version { get; init; } = ApiServerVersion.V1_36;

    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>0 for any that is free.</summary>
    public int Port { get; init; }

    /// <summary>The network namespace that it listens in; null for the one of the tests.</summary>
    public ScratchNetworkNamespace? Namespace { get; init; }

    /// <summary>Who signs the server's certificate; null for plain HTTP.</summary>
    public TestAuthority? Authority { get; init; }

    /// <summary>Authorities whose certificates the server sends along with its own.</summary>
    public IReadOnlyList<TestAuthority> SentAuthorities { get; init; } = [];

    /// <summary>The names that the certificate bears; the address if there are none.</summary>
    public IReadOnlyList<string> CertificateNames { get; init; } = [];

    /// <summary>The bearer token that is wanted; null for none. A client certificate of the authority will do, too.</summary>
    public string? Token { get; init; }

    /// <summary>Whether a client certificate of the authority is wanted.</summary>
    public bool WantsCertificate { get; init; }

    /// <summary>Whether a watch from a forgotten version is answered by HTTP 410, instead of by an ERROR event.</summary>
    public bool ExpiresByStatus { get; init; }
}

/// <summary>A request that the server got.</summary>
public sealed record ApiRequest(int Number, string Path, string Query, string Resource)
{
    public bool IsWatch => Query.Contains("watch=true", StringComparison.Ordinal);

    /// <summary>Whether the answer is every object: a list, or a watch that begins with one.</summary>
    public bool IsFullList => !IsWatch || Query.Contains("sendInitialEvents=true", StringComparison.Ordinal);

    public string? Parameter(string name) =>
        Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(Query).TryGetValue(name, out var values) ? values.ToString() : null;
}

/// <summary>How an answer goes wrong.</summary>
public abstract record ApiFault
{
    private ApiFault()
    {
    }

    /// <summary>An error instead of an answer.</summary>
    public sealed record Status(int Code, string Reason, string Message, int? RetryAfterSeconds = null) : ApiFault
    {
        /// <summary>The header Retry-After as it stands, where it is no plain number of seconds.</summary>
        public string? RetryAfter { get; init; } = RetryAfterSeconds?.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The connection is reset after so many bytes of the answer; or the answer ends there as if it were whole.</summary>
    public sealed record Cut(long Bytes, bool LooksWhole = false) : ApiFault;

    /// <summary>The answer waits for something.</summary>
    public sealed record Wait(Task Until) : ApiFault;

    /// <summary>The connection is reset without an answer.</summary>
    public sealed record Reset : ApiFault;

    /// <summary>Something else instead of an answer.</summary>
    public sealed record Body(string Text) : ApiFault;
}
