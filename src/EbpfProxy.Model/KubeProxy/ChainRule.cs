namespace EbpfProxy.Model.KubeProxy;

/// <summary>A rule of a table of iptables, as far as it matters whose it is.</summary>
/// <param name="Chain">The chain that it is in.</param>
/// <param name="Handle">What names it to whoever read it.</param>
/// <param name="Target">The chain that it leads to; null where it leads to none.</param>
public sealed record ChainRule(string Chain, ulong Handle, string? Target);

/// <summary>What of a table of iptables is kube-proxy's.</summary>
/// <param name="Entries">Its rules in chains of others, which lead to its own.</param>
/// <param name="Chains">Its own chains, which go with all their rules.</param>
/// <param name="Kept">Chains of its that rules of others lead to, and which stay for them.</param>
/// <param name="Serves">Whether packets are led to rules for services: a kube-proxy that starts makes its chains first.</param>
public sealed record ChainRemoval(IReadOnlyList<ChainRule> Entries, IReadOnlyList<string> Chains, IReadOnlyList<string> Kept, bool Serves)
{
    public bool IsEmpty => Entries.Count == 0 && Chains.Count == 0;
}
