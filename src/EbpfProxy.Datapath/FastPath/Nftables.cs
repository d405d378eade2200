using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>The families of nftables (NFPROTO_*).</summary>
internal enum NftFamily : byte
{
    Inet = 1,
    Ip = 2,
    Arp = 3,
    Netdev = 5,
    Bridge = 7,
    Ip6 = 10,
}

/// <summary>A chain of nftables that packets come to by themselves.</summary>
/// <param name="Family">The family of its table.</param>
/// <param name="Table">The name of its table.</param>
/// <param name="Name">Its name.</param>
/// <param name="Hook">The number of the hook among those of the family.</param>
/// <param name="Priority">Its place among those at the hook: the smaller comes first.</param>
/// <param name="Drops">Whether it drops what no rule decides on.</param>
/// <param name="Rules">How many rules it has.</param>
internal sealed record NftChain(NftFamily Family, string Table, string Name, uint Hook, int Priority, bool Drops, uint Rules)
{
    public override string ToString() => $"nftables chain {Family.ToString().ToLowerInvariant()} {Table} {Name}";
}

/// <summary>Reads chains of nftables by nfnetlink. iptables-nft's are among them.</summary>
internal static class Nftables
{
    /// <summary>The multicast group that hears of every change: the bit of NFNLGRP_NFTABLES.</summary>
    public const uint ChangesGroup = 1 << 6;

    /// <summary>struct nfgenmsg: family, version, resource.</summary>
    internal const int MessageLength = 4;

    // The upper byte is NFNL_SUBSYS_NFTABLES.
    private const ushort NewChain = 0x0a03;
    private const ushort GetChain = 0x0a04;

    private const ushort ChainTable = 1;
    private const ushort ChainName = 3;
    private const ushort ChainHook = 4;
    private const ushort ChainPolicy = 5;
    private const ushort ChainUse = 6;
    private const ushort HookNumber = 1;
    private const ushort HookPriority = 2;
    private const uint Accept = 1;

    /// <summary>The base chains of all families, rules or not; none where the kernel has no nftables.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IReadOnlyList<NftChain> ReadBaseChains()
    {
        using var socket = NetlinkSocket.TryOpenNetfilter();
        if (socket is null)
        {
            return [];
        }

        try
        {
            return socket.Dump(GetChain, stackalloc byte[MessageLength], NewChain, ToBaseChain);
        }
        catch (NetlinkException error) when (error.LacksSubsystem)
        {
            return [];
        }
    }

    private static NftChain? ToBaseChain(ReadOnlySpan<byte> body)
    {
        var attributes = body[MessageLength..];
        var hook = NetlinkAttributes.Find(attributes, ChainHook);
        return hook.IsEmpty
            ? null
            : new NftChain(
                (NftFamily)MemoryMarshal.Read<byte>(body),
                NetlinkAttributes.ToText(NetlinkAttributes.Find(attributes, ChainTable)),
                NetlinkAttributes.ToText(NetlinkAttributes.Find(attributes, ChainName)),
                NetlinkAttributes.ToUInt32BigEndian(NetlinkAttributes.Find(hook, HookNumber), 0),
                (int)NetlinkAttributes.ToUInt32BigEndian(NetlinkAttributes.Find(hook, HookPriority), 0),
                NetlinkAttributes.ToUInt32BigEndian(NetlinkAttributes.Find(attributes, ChainPolicy), Accept) != Accept,

                // Nothing can jump to a base chain, so that what uses it are its rules.
                NetlinkAttributes.ToUInt32BigEndian(NetlinkAttributes.Find(attributes, ChainUse), 0));
    }
}
