using EbpfProxy.Datapath.FastPath;

namespace EbpfProxy.Datapath.View;

/// <summary>Tells which chains of netfilter packets of this node come by, without their rules.</summary>
public static class RuleSummary
{
    /// <summary>A line for each chain at a hook.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static IReadOnlyList<string> Read() =>
    [
        .. Nftables.ReadBaseChains().Select(chain => $"{chain}: hook {chain.Hook}, priority {chain.Priority}, {chain.Rules} rules{Policy(chain.Drops)}"),
        .. LegacyTables.ReadChains().Select(chain => $"{chain}: {(chain.HasRules ? "rules" : "no rules")}{Policy(chain.Drops)}"),
    ];

    private static string Policy(bool drops) => drops ? ", policy drop" : "";
}
