using EbpfProxy.Model.KubeProxy;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>Says in words what of a table goes.</summary>
internal static class RemovalWords
{
    public static string Of(ChainRemoval removal)
    {
        string words = $"{removal.Chains.Count} chains, {removal.Entries.Count} rules that lead to them";
        return removal.Kept.Count == 0 ? words : $"{words}; rules of others lead to {string.Join(", ", removal.Kept)}, which stay";
    }
}
