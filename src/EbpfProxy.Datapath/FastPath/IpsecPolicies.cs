using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>Finds policies of IPsec, which decide on what is forwarded and on what leaves, and which only the stack asks.</summary>
internal static class IpsecPolicies
{
    private const ushort NewInfo = 0x24; // XFRM_MSG_NEWSPDINFO
    private const ushort GetInfo = 0x25; // XFRM_MSG_GETSPDINFO
    private const ushort GetDefault = 0x28; // XFRM_MSG_GETDEFAULT

    // The request is flags alone, which come back before the attributes.
    private const int FlagsLength = 4;
    private const ushort Info = 1; // XFRMA_SPD_INFO

    // struct xfrmu_spdinfo: policies for what comes in, leaves, is forwarded; the same of sockets.
    private const int OutOffset = 4;
    private const int ForwardOffset = 8;
    private const int InfoLength = 24;

    // struct xfrm_userpolicy_default: what becomes of what no policy is for that comes in, is forwarded, leaves.
    private const int DefaultForward = 1;
    private const int DefaultOut = 2;
    private const int DefaultLength = 3;
    private const byte Block = 1;

    /// <summary>That there are some, in words; null where there are none. Those of sockets are for these alone.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static string? Find()
    {
        if (!IsThere())
        {
            return null;
        }

        using var socket = new NetlinkSocket(protocol: NetlinkSocket.Ipsec);
        var counts = socket.Ask(GetInfo, stackalloc byte[FlagsLength], NewInfo, ToCounts);
        return counts is null or { Out: 0, Forward: 0 } ? FindDefault(socket) : "policies of IPsec";
    }

    /// <summary>Whether the kernel has it, by its own socket there: to ask a kernel for what is a module loads that.</summary>
    private static bool IsThere() =>
        File.ReadLines("/proc/thread-self/net/netlink").Any(line => line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries) is [_, "6", ..]);

    private static string? FindDefault(NetlinkSocket socket)
    {
        try
        {
            return socket.Ask(GetDefault, stackalloc byte[DefaultLength], GetDefault, body => Blocks(body) ? "IPsec blocks what no policy is for" : null);
        }
        catch (NetlinkException error) when (error.LacksSubsystem)
        {
            // Before 5.14 there is none.
            return null;
        }
    }

    private static bool Blocks(ReadOnlySpan<byte> body) =>
        body.Length >= DefaultLength && (body[DefaultForward] == Block || body[DefaultOut] == Block);

    private static Counts? ToCounts(ReadOnlySpan<byte> body)
    {
        var info = NetlinkAttributes.Find(body[FlagsLength..], Info);
        return info.Length < InfoLength ? null : new Counts(MemoryMarshal.Read<uint>(info[OutOffset..]), MemoryMarshal.Read<uint>(info[ForwardOffset..]));
    }

    private sealed record Counts(uint Out, uint Forward);
}
