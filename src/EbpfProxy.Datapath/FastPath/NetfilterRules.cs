namespace EbpfProxy.Datapath.FastPath;

/// <summary>Finds rules that could decide on a packet that is forwarded.</summary>
internal static class NetfilterRules
{
    // NF_INET_*: prerouting, forward, postrouting, and ingress of the family inet.
    private static readonly uint[] _forwardHooks = [0, 2, 4, 5];

    private const uint Prerouting = 0;
    private const uint Forward = 2;

    /// <summary>Where destinations are translated, in nftables and in the tables of before.</summary>
    private const int DestinationPriority = -100;

    private static readonly string[] _earlyTables = ["raw", "mangle"];

    private static readonly string[] _ebtables = ["ebtable_filter", "ebtable_nat", "ebtable_broute"];

    /// <summary>What of nftables could, in words; null where nothing does.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static string? FindNftables() =>
        Nftables.ReadBaseChains().FirstOrDefault(chain => IsOnTheWay(chain) && (chain.Rules > 0 || chain.Drops)) is { } decisive
            ? WordsOf(decisive.ToString(), decisive.Rules > 0)
            : null;

    /// <summary>The same of the older tables.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static string? FindLegacy()
    {
        LegacyChain[] chains = [.. LegacyTables.ReadChains().Where(chain => _forwardHooks.Contains((uint)chain.Hook))];
        return (chains.FirstOrDefault(chain => chain.HasRules) ?? chains.FirstOrDefault(chain => chain.Drops)) is { } decisive
            ? WordsOf(decisive.ToString(), decisive.HasRules)
            : FindEbtables();
    }

    /// <summary>A chain that drops what is forwarded unless a rule accepts it; null where there is none.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static string? FindForwardDrop() =>
        Nftables.ReadBaseChains().FirstOrDefault(chain => IsOfIP(chain) && chain.Hook == Forward && chain.Drops)?.ToString()
        ?? LegacyTables.ReadChains().FirstOrDefault(chain => chain.Hook == Forward && chain.Drops)?.ToString();

    /// <summary>The chains with rules that would see a packet before its destination is translated, if netfilter did that.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static IReadOnlyList<string> FindEarly() =>
    [
        .. Nftables.ReadBaseChains()
            .Where(chain => IsOfIP(chain) && chain is { Hook: Prerouting, Priority: < DestinationPriority, Rules: > 0 })
            .Select(chain => chain.ToString()),
        .. LegacyTables.ReadChains()
            .Where(chain => chain is { Hook: (int)Prerouting, HasRules: true } && _earlyTables.Contains(chain.Table))
            .Select(chain => chain.ToString()),
    ];

    private static bool IsOfIP(NftChain chain) => chain.Family is NftFamily.Inet or NftFamily.Ip or NftFamily.Ip6;

    // A bridge or a device has packets pass that no hook of the IP families sees: each of its hooks counts.
    private static bool IsOnTheWay(NftChain chain) => chain.Family switch
    {
        NftFamily.Arp => false,
        NftFamily.Bridge or NftFamily.Netdev => true,
        NftFamily.Inet or NftFamily.Ip or NftFamily.Ip6 => _forwardHooks.Contains(chain.Hook),
        _ => true,
    };

    private static string WordsOf(string chain, bool hasRules) => hasRules ? $"{chain} has rules" : $"{chain} has policy drop";

    private static string? FindEbtables()
    {
        const string modules = "/proc/modules";
        string? module = File.Exists(modules)
            ? File.ReadLines(modules).Select(line => line[..line.IndexOf(' ', StringComparison.Ordinal)]).FirstOrDefault(_ebtables.Contains)
            : null;
        return module is null ? null : $"{module} is loaded";
    }
}
