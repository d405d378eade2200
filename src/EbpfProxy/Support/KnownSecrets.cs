using System.Text.RegularExpressions;

namespace EbpfProxy.Support;

/// <summary>Reads the secrets that the proxy itself has, so that they can be taken out wherever they turn up.</summary>
internal static partial class KnownSecrets
{
    private const string PodToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    /// <param name="kubeconfig">The kubeconfig; null where there is none.</param>
    public static IReadOnlyList<string> Read(string? kubeconfig)
    {
        List<string> secrets = [];
        if (TryRead(PodToken) is { } token)
        {
            secrets.Add(token.Trim());
        }

        // By its lines, whether or not it makes sense as a whole.
        if (kubeconfig is not null && TryRead(kubeconfig) is { } text)
        {
            foreach (Match match in Values().Matches(text))
            {
                string value = match.Groups[2].Value.Trim('"', '\'');
                secrets.Add(value);
                if (match.Groups[1].Value == "tokenFile" && TryRead(value) is { } file)
                {
                    secrets.Add(file.Trim());
                }
            }
        }

        return secrets;
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"(token|tokenFile|password|client-key-data|client-certificate-data)[""']?\s*:\s*(""[^""]*""|'[^']*'|[^\s,}]+)")]
    private static partial Regex Values();
}
