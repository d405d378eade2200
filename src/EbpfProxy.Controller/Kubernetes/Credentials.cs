using System.Text;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>A piece of a credential: given in place, or in a file that may change.</summary>
internal sealed record SecretSource(byte[]? Inline, string? File)
{
    public static SecretSource? From(string? base64, string? file) => (base64, file) switch
    {
        ({ Length: > 0 }, _) => new(Convert.FromBase64String(base64), null),
        (_, { Length: > 0 }) => new(null, file),
        _ => null,
    };

    public byte[] Read() => Inline ?? System.IO.File.ReadAllBytes(File!);

    public string ReadText() => Encoding.UTF8.GetString(Read());
}

/// <summary>What is needed to reach and convince an API server, from a kubeconfig or a pod's service account.</summary>
internal sealed record Credentials
{
    /// <summary>The API servers that the configuration names, in order; at least one.</summary>
    public required IReadOnlyList<Uri> Servers { get; init; }

    /// <summary>The certificate authorities to trust, in PEM; null for those of the machine.</summary>
    public SecretSource? Authority { get; init; }

    public bool SkipsVerification { get; init; }

    /// <summary>The name that the server's certificate must bear; null for the one in the server's address.</summary>
    public string? ServerName { get; init; }

    public Uri? Proxy { get; init; }

    /// <summary>The bearer token; read for every request, because those of pods change.</summary>
    public SecretSource? Token { get; init; }

    public SecretSource? Certificate { get; init; }

    public SecretSource? CertificateKey { get; init; }

    public (string Name, string Password)? Login { get; init; }

    /// <summary>A program that gives tokens or certificates; null for none.</summary>
    public ExecCredential? Exec { get; init; }
}
