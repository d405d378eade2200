using System.Text.RegularExpressions;

namespace EbpfProxy.Support;

/// <summary>
/// Takes out of a text what may be a secret: what is known to be one, and what has the form of one. It would rather take too much.
/// </summary>
/// <param name="known">Secrets themselves, such as the token of this pod.</param>
internal sealed partial class SecretScrubber(IEnumerable<string> known)
{
    private const string Removed = "<removed>";

    /// <summary>What is shorter would be found where it means nothing.</summary>
    private const int ShortestKnown = 8;

    private readonly string[] _known = [.. known.Where(secret => secret.Length >= ShortestKnown).Distinct().OrderByDescending(secret => secret.Length)];

    public string Scrub(string text)
    {
        foreach (string secret in _known)
        {
            text = text.Replace(secret, Removed, StringComparison.Ordinal);
        }

        text = PrivateKeys().Replace(text, Removed);
        text = WebTokens().Replace(text, Removed);
        text = Authorizations().Replace(text, $"$1 {Removed}");
        text = UserInfo().Replace(text, $"://{Removed}@");
        return Named().Replace(text, $"$1{Removed}");
    }

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", RegexOptions.Singleline)]
    private static partial Regex PrivateKeys();

    [GeneratedRegex(@"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")]
    private static partial Regex WebTokens();

    [GeneratedRegex(@"\b(Bearer|Basic)\s+[^\s""']+", RegexOptions.IgnoreCase)]
    private static partial Regex Authorizations();

    [GeneratedRegex(@"://[^/\s@""']+@")]
    private static partial Regex UserInfo();

    /// <summary>A field or flag whose name says so, in YAML, JSON, a command line or an environment.</summary>
    [GeneratedRegex(@"([\w-]*(?:token|password|passwd|secret|api-?key|key-data|credential)[\w-]*[""']?\s*[:=]\s*)(?:""[^""]*""|'[^']*'|[^\s,}]+)", RegexOptions.IgnoreCase)]
    private static partial Regex Named();
}
