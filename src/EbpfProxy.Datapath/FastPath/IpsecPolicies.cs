using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>Finds policies of IPsec, which decide on what is forwarded and on what leaves, and which only the stack asks.</summary>
internal static class IpsecPolicies
{
    private const int Netlink = 6; // NETLINK_XFRM
    private const ushort NewInfo = 0x24; // XFRM_MSG_NEWSPDINFO
    private const ushort GetInfo = 0x25; // XFRM_MSG_GETSPDINFO

    // The request is flags alone, which come back before the attributes.
    private const int FlagsLength = 4;
    private const ushort Info = 1; // XFRMA_SPD_INFO

    // struct xfrmu_spdinfo: policies for what comes in, leaves, is forwarded; the same of sockets.
    private const int OutOffset = 4;
    private const int ForwardOffset = 8;
    private const int Length = 24;

    /// <summary>That there are some, in words; null where there are none. Those of sockets are for these alone.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static string? Find()
    {
        try
        {
            using var socket = new NetlinkSocket(protocol: Netlink);
            var counts = socket.Ask(GetInfo, stackalloc byte[FlagsLength], NewInfo, ToCounts);
            return counts is null or { Out: 0, Forward: 0 } ? null : $"{counts.Out + counts.Forward} policies of IPsec";
        }
        catch (NetlinkException error) when (error.Errno == NetlinkException.ProtocolNotSupported)
        {
            return null;
        }
    }

    private static Counts? ToCounts(ReadOnlySpan<byte> body)
    {
        var info = NetlinkAttributes.Find(body[FlagsLength..], Info);
        return info.Length < Length ? null : new Counts(MemoryMarshal.Read<uint>(info[OutOffset..]), MemoryMarshal.Read<uint>(info[ForwardOffset..]));
    }

    private sealed record Counts(uint Out, uint Forward);
}
