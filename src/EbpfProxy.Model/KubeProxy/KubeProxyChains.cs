namespace EbpfProxy.Model.KubeProxy;

/// <summary>
/// Tells kube-proxy's chains and rules from those of others in the tables of iptables, in its modes iptables and ipvs, of this
/// version and earlier ones. The kubelet's chains (KUBE-FIREWALL, KUBE-KUBELET-CANARY, KUBE-IPTABLES-HINT, KUBE-MARK-DROP) are none of
/// its. Two are of both: a kubelet of before 1.28 makes KUBE-MARK-MASQ and KUBE-POSTROUTING again once a minute. They go with
/// what is kube-proxy's alone, and say nothing of one where they are all there is.
/// </summary>
public static class KubeProxyChains
{
    private const string MarkMasquerade = "KUBE-MARK-MASQ";
    private const string Postrouting = "KUBE-POSTROUTING";
    private const string Services = "KUBE-SERVICES";

    /// <summary>Those that its rules in the built-in chains lead to.</summary>
    private static readonly HashSet<string> _entrances = new(StringComparer.Ordinal)
    {
        Services, "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS", "KUBE-NODE-PORT", Postrouting, "KUBE-FORWARD",
        "KUBE-PROXY-FIREWALL", "KUBE-LOAD-BALANCER", "KUBE-SOURCE-RANGES-FIREWALL", "KUBE-IPVS-FILTER", "KUBE-IPVS-OUT-FILTER",
    };

    private static readonly HashSet<string> _inner = new(StringComparer.Ordinal) { MarkMasquerade, "KUBE-PROXY-CANARY" };

    private static readonly HashSet<string> _alsoKubelets = new(StringComparer.Ordinal) { MarkMasquerade, Postrouting };

    /// <summary>One chain for each service, endpoint or firewall.</summary>
    private static readonly string[] _prefixes = ["KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-XLB-", "KUBE-EXT-"];

    private static readonly HashSet<string> _builtIn = new(StringComparer.Ordinal) { "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING" };

    /// <summary>Decides what of a table goes.</summary>
    /// <param name="chains">All its chains.</param>
    /// <param name="rules">All its rules, or at least those that lead to a chain.</param>
    public static ChainRemoval Find(IReadOnlyCollection<string> chains, IReadOnlyCollection<ChainRule> rules)
    {
        var kept = KeptForOthers(rules);
        var going = chains.Where(chain => IsKubeProxys(chain) && !kept.Contains(chain)).ToHashSet(StringComparer.Ordinal);
        if (going.IsSubsetOf(_alsoKubelets))
        {
            going.Clear();
        }

        return new ChainRemoval(
            [.. rules.Where(rule => IsEntry(rule) && going.Contains(rule.Target!))],
            [.. going.Order(StringComparer.Ordinal)],
            [.. chains.Where(kept.Contains).Order(StringComparer.Ordinal)],
            rules.Any(rule => IsEntry(rule) && rule.Target == Services) && rules.Any(rule => rule.Chain == Services && rule.Target is not null));
    }

    private static bool IsKubeProxys(string chain) =>
        _entrances.Contains(chain) || _inner.Contains(chain) || _prefixes.Any(prefix => chain.StartsWith(prefix, StringComparison.Ordinal));

    private static bool IsEntry(ChainRule rule) => rule.Target is { } target && _builtIn.Contains(rule.Chain) && _entrances.Contains(target);

    /// <summary>The chains that rules of others lead to, and what those lead to in turn.</summary>
    private static HashSet<string> KeptForOthers(IReadOnlyCollection<ChainRule> rules)
    {
        var targets = rules.Where(rule => rule.Target is not null).ToLookup(rule => rule.Chain, rule => rule.Target!);
        var pending = new Queue<string>(
            rules.Where(rule => !IsKubeProxys(rule.Chain) && !IsEntry(rule) && rule.Target is { } target && IsKubeProxys(target)).Select(rule => rule.Target!));
        var kept = new HashSet<string>(StringComparer.Ordinal);
        while (pending.TryDequeue(out string? chain))
        {
            if (!kept.Add(chain))
            {
                continue;
            }

            // A mark is nothing without who masquerades by it.
            foreach (string next in chain == MarkMasquerade ? targets[chain].Append(Postrouting) : targets[chain])
            {
                pending.Enqueue(next);
            }
        }

        return kept;
    }
}
