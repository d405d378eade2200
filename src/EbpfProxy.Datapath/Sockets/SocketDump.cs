using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Sockets;

/// <summary>Reads the sockets of the calling thread's network namespace by sock_diag(7).</summary>
internal static class SocketDump
{
    private const ushort ByFamily = 20; // SOCK_DIAG_BY_FAMILY
    private const byte FamilyIPv4 = 2;
    private const byte FamilyIPv6 = 10;
    private const byte WithTcpInfo = 1 << (TcpInfo - 1);
    private const ushort TcpInfo = 2; // INET_DIAG_INFO

    // Listening sockets, and what is left when a socket is gone (TIME_WAIT, NEW_SYN_RECV), have no peer.
    private const uint States = ~((1u << 6) | (1u << 10) | (1u << 12));

    // struct inet_diag_req_v2: family, protocol, extensions, padding, states, then the socket's identity (48 bytes).
    private const int RequestLength = 56;
    private const int RequestStates = 4;

    // struct inet_diag_msg: family, state, timer, retransmissions, the socket's identity, and more.
    private const int MessageState = 1;
    private const int MessageLocalPort = 4;
    private const int MessageLocal = 8;
    private const int MessageCookie = 44;
    private const int MessageInode = 68;
    private const int MessageLength = 72;

    // struct tcp_info.
    private const int InfoBytesAcked = 120;
    private const int InfoBytesReceived = 128;

    private static readonly byte[] _families = [FamilyIPv4, FamilyIPv6];

    /// <summary>The sockets of a protocol, those that listen left out.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static List<NodeSocket> Read(Protocol protocol)
    {
        using var netlink = new NetlinkSocket(protocol: NetlinkSocket.SocketDiagnosis);
        var sockets = new List<NodeSocket>();
        Span<byte> request = stackalloc byte[RequestLength];
        foreach (byte family in _families)
        {
            request.Clear();
            request[0] = family;
            request[1] = (byte)protocol;
            request[2] = protocol == Protocol.Tcp ? WithTcpInfo : (byte)0;
            MemoryMarshal.Write(request[RequestStates..], States);
            sockets.AddRange(netlink.Dump(ByFamily, request, ByFamily, ToSocket));
        }

        return sockets;
    }

    internal static NodeSocket? ToSocket(ReadOnlySpan<byte> body)
    {
        if (body.Length < MessageLength)
        {
            return null;
        }

        var info = NetlinkAttributes.Find(body[MessageLength..], TcpInfo);
        bool hasBytes = info.Length >= InfoBytesReceived + sizeof(ulong);
        return new NodeSocket(
            MemoryMarshal.Read<ulong>(body[MessageCookie..]),
            NetlinkAttributes.ToAddress(body.Slice(MessageLocal, body[0] == FamilyIPv4 ? 4 : 16)) ?? default,
            BinaryPrimitives.ReadUInt16BigEndian(body[MessageLocalPort..]),
            (TcpState)body[MessageState],
            MemoryMarshal.Read<uint>(body[MessageInode..]),
            hasBytes ? MemoryMarshal.Read<ulong>(info[InfoBytesAcked..]) : null,
            hasBytes ? MemoryMarshal.Read<ulong>(info[InfoBytesReceived..]) : null);
    }
}
