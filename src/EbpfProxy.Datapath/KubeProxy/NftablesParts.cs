using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.KubeProxy;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>
/// Finds what kube-proxy has in nftables: the tables of its mode nftables, and its chains in the tables of iptables-nft. Each
/// table is left as it is, or is without all of it, in one transaction of the kernel.
/// </summary>
internal static class NftablesParts
{
    // The upper byte is NFNL_SUBSYS_NFTABLES.
    private const ushort NewTable = 0x0a00;
    private const ushort GetTable = 0x0a01;
    private const ushort NewChain = 0x0a03;
    private const ushort GetChain = 0x0a04;
    private const ushort NewRule = 0x0a06;
    private const ushort GetRule = 0x0a07;
    private const ushort NewGeneration = 0x0a0f;
    private const ushort GetGeneration = 0x0a10;

    private const ushort TableName = 1;
    private const ushort ChainTable = 1;
    private const ushort ChainName = 3;
    private const ushort RuleTable = 1;
    private const ushort RuleChain = 2;
    private const ushort RuleHandle = 3;
    private const ushort RuleExpressions = 4;
    private const ushort ExpressionName = 1;
    private const ushort ExpressionData = 2;
    private const ushort ImmediateData = 2;
    private const ushort DataVerdict = 2;
    private const ushort VerdictChain = 2;
    private const ushort GenerationId = 1;
    private const int MessageLength = Nftables.MessageLength;

    private const string OwnTable = "kube-proxy";
    private const int Attempts = 10;
    private const int SomethingChanged = 85; // ERESTART

    private static readonly string[] _iptables = ["nat", "filter", "mangle"];
    private static readonly NftFamily[] _families = [NftFamily.Ip, NftFamily.Ip6];

    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IEnumerable<KubeProxyPart> Find()
    {
        using var socket = NetlinkSocket.TryOpenNetfilter();
        if (socket is null)
        {
            return [];
        }

        var tables = ReadTables(socket);
        List<KubeProxyPart> parts = [];
        foreach (var family in _families.Where(family => tables.Contains(new Table(family, OwnTable))))
        {
            int chains = ReadChains(socket, family, OwnTable).Count;
            parts.Add(new KubeProxyPart(
                $"nftables table {Words(family)} {OwnTable}",
                $"{chains} chains",
                () => Change((own, transaction) => RemoveTable(own, transaction, family), family, OwnTable),
                translates: chains > 0));
        }

        foreach (var family in _families)
        {
            foreach (string table in _iptables.Where(table => tables.Contains(new Table(family, table))))
            {
                var removal = FindIn(socket, family, table);
                if (!removal.IsEmpty)
                {
                    parts.Add(new KubeProxyPart(
                        $"{Tool(family)} (nft) table {table}",
                        RemovalWords.Of(removal),
                        () => Change((own, transaction) => RemoveChains(own, transaction, family, table), family, table),
                        translates: table == "nat" && removal.Serves));
                }
            }
        }

        return parts;
    }

    private static ChainRemoval FindIn(NetlinkSocket socket, NftFamily family, string table) =>
        KubeProxyChains.Find(ReadChains(socket, family, table), ReadRules(socket, family, table));

    private static HashSet<Table> ReadTables(NetlinkSocket socket)
    {
        try
        {
            return [.. socket.Dump(GetTable, new byte[MessageLength], NewTable, ToTable)];
        }
        catch (NetlinkException error) when (error.LacksSubsystem)
        {
            return [];
        }
    }

    private static bool RemoveTable(NetlinkSocket socket, NftTransaction transaction, NftFamily family)
    {
        bool isThere = ReadTables(socket).Contains(new Table(family, OwnTable));
        if (isThere)
        {
            transaction.DeleteTable(family, OwnTable);
        }

        return isThere;
    }

    /// <summary>Returns whether there is anything to change.</summary>
    private static bool RemoveChains(NetlinkSocket socket, NftTransaction transaction, NftFamily family, string table)
    {
        var removal = FindIn(socket, family, table);
        foreach (var rule in removal.Entries)
        {
            transaction.DeleteRule(family, table, rule.Chain, rule.Handle);
        }

        // All are without rules before the first goes, as they lead to each other.
        foreach (string chain in removal.Chains)
        {
            transaction.Flush(family, table, chain);
        }

        foreach (string chain in removal.Chains)
        {
            transaction.DeleteChain(family, table, chain);
        }

        return !removal.IsEmpty;
    }

    /// <summary>Looks and changes; again where something changed between.</summary>
    private static void Change(Func<NetlinkSocket, NftTransaction, bool> change, NftFamily family, string table)
    {
        using var socket = new NetlinkSocket(protocol: NetlinkSocket.Netfilter);
        for (int attempt = 1; ; attempt++)
        {
            var transaction = new NftTransaction(ReadGeneration(socket));
            int error = change(socket, transaction) ? transaction.Commit(socket) : 0;
            if (error == 0)
            {
                return;
            }

            if (error != SomethingChanged || attempt == Attempts)
            {
                throw new IOException($"table {Words(family)} {table}: {new NetlinkException(error).Message}");
            }
        }
    }

    private static uint ReadGeneration(NetlinkSocket socket) =>
        socket.Ask(GetGeneration, new byte[MessageLength], NewGeneration, body => new Generation(NetlinkAttributes.ToUInt32BigEndian(
            NetlinkAttributes.Find(body[MessageLength..], GenerationId), 0)))?.Number ?? throw new IOException("the kernel does not number the changes of nftables");

    private static List<string> ReadChains(NetlinkSocket socket, NftFamily family, string table) => socket.Dump(
        GetChain, [(byte)family, 0, 0, 0], NewChain, body => TextOf(body, ChainTable) == table ? TextOf(body, ChainName) : null);

    private static List<ChainRule> ReadRules(NetlinkSocket socket, NftFamily family, string table) => socket.Dump(
        GetRule, [(byte)family, 0, 0, 0], NewRule, body => TextOf(body, RuleTable) == table ? ToRule(body) : null);

    private static ChainRule ToRule(ReadOnlySpan<byte> body)
    {
        var attributes = body[MessageLength..];
        return new ChainRule(
            TextOf(body, RuleChain),
            BinaryPrimitives.ReadUInt64BigEndian(NetlinkAttributes.Find(attributes, RuleHandle)),
            FindTarget(NetlinkAttributes.Find(attributes, RuleExpressions)));
    }

    /// <summary>The chain that a list of expressions leads to.</summary>
    private static string? FindTarget(ReadOnlySpan<byte> expressions)
    {
        while (NetlinkAttributes.TryTake(ref expressions, out var expression))
        {
            if (NetlinkAttributes.ToText(NetlinkAttributes.Find(expression, ExpressionName)) != "immediate")
            {
                continue;
            }

            var data = NetlinkAttributes.Find(NetlinkAttributes.Find(expression, ExpressionData), ImmediateData);
            var chain = NetlinkAttributes.Find(NetlinkAttributes.Find(data, DataVerdict), VerdictChain);
            if (!chain.IsEmpty)
            {
                return NetlinkAttributes.ToText(chain);
            }
        }

        return null;
    }

    private static Table ToTable(ReadOnlySpan<byte> body) => new((NftFamily)MemoryMarshal.Read<byte>(body), TextOf(body, TableName));

    private static string TextOf(ReadOnlySpan<byte> body, ushort attribute) =>
        NetlinkAttributes.ToText(NetlinkAttributes.Find(body[MessageLength..], attribute));

    private static string Words(NftFamily family) => family == NftFamily.Ip6 ? "ip6" : "ip";

    private static string Tool(NftFamily family) => family == NftFamily.Ip6 ? "ip6tables" : "iptables";

    private sealed record Table(NftFamily Family, string Name);

    private sealed record Generation(uint Number);
}
