using System.Security.Cryptography.X509Certificates;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// Trust as Kubernetes' own clients have it: every certificate of the authority file is an anchor, whoever signed it.
/// .NET asks for a root, and an authority file may hold only the intermediate that signs for the API servers.
/// </summary>
internal static class TrustAnchors
{
    private const X509ChainStatusFlags AboveAnchor = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot;

    /// <summary>Whether a chain that was built, with errors, is sound up to the first certificate that its policy trusts.</summary>
    public static bool IsReached(X509Chain chain)
    {
        if (chain.ChainPolicy.TrustMode != X509ChainTrustMode.CustomRootTrust)
        {
            return false;
        }

        foreach (var element in chain.ChainElements)
        {
            if (element.ChainElementStatus.Any(status => (status.Status & ~AboveAnchor) != X509ChainStatusFlags.NoError))
            {
                return false;
            }

            // Compares the whole certificates.
            if (chain.ChainPolicy.CustomTrustStore.Any(anchor => anchor.RawDataMemory.Span.SequenceEqual(element.Certificate.RawDataMemory.Span)))
            {
                return true;
            }
        }

        return false;
    }
}
