using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Stale;

/// <summary>
/// Finds and closes connected UDP sockets by sock_diag(7), in the network namespace of the thread that makes it. Kernels
/// have that from 4.9 on where they are built with CONFIG_INET_DIAG_DESTROY, as Debian's are; a BPF iterator that does the
/// same needs 6.5.
/// </summary>
internal sealed class SocketNetlink : IDisposable
{
    private const int NoSuchSocket = 2;
    private const int Exchanged = 116; // ESTALE: another one has its addresses and ports by now
    private const ushort ByFamily = 20; // SOCK_DIAG_BY_FAMILY
    private const ushort Destroy = 21; // SOCK_DESTROY
    private const byte FamilyIPv4 = 2;
    private const byte FamilyIPv6 = 10;
    private const byte Udp = 17;
    private const uint Established = 1 << 1;

    // struct inet_diag_req_v2: family, protocol, extensions, padding, states, then the socket's identity.
    private const int RequestLength = 8 + IdentityLength;
    private const int RequestStates = 4;
    private const int RequestIdentity = 8;

    // struct inet_diag_msg: family, state, timer, retransmissions, then the socket's identity, and more.
    private const int MessageIdentity = 4;
    private const int MessageLength = 72;

    // struct inet_diag_sockid: own port, other port, two addresses, device, cookie in two words, the lower first.
    private const int IdentityLength = 48;
    private const int IdentityOtherPort = 2;
    private const int IdentityOther = 20;
    private const int IdentityCookie = 40;

    private static readonly byte[] _families = [FamilyIPv4, FamilyIPv6];

    private readonly NetlinkSocket _socket = new(protocol: NetlinkSocket.SocketDiagnosis);

    /// <summary>
    /// Closes those sockets: who waits for an answer gets ECONNABORTED, who sends EDESTADDRREQ, as they are connected no
    /// more. Returns those that were closed; the others are not there, or not connected.
    /// </summary>
    /// <exception cref="IOException">The kernel refuses, as one that cannot close sockets does.</exception>
    public HashSet<UdpSocket> Close(IReadOnlySet<UdpSocket> sockets)
    {
        var closed = new HashSet<UdpSocket>();
        foreach (ushort port in sockets.Select(socket => socket.RemotePortBe).Distinct())
        {
            foreach (byte family in _families)
            {
                foreach (var found in Find(family, port).Where(found => sockets.Contains(found.Socket)))
                {
                    if (TryDestroy(found))
                    {
                        closed.Add(found.Socket);
                    }
                }
            }
        }

        return closed;
    }

    /// <summary>Closes a socket of our own, to know. Returns why that cannot be done, or null.</summary>
    public static string? FindFault()
    {
        const int solSocket = 1;
        const int soCookie = 57;
        try
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var self = (IPEndPoint)probe.LocalEndPoint!;
            probe.Connect(self);
            Span<byte> cookie = stackalloc byte[sizeof(ulong)];
            probe.GetRawSocketOption(solSocket, soCookie, cookie);
            ushort portBe = BinaryPrimitives.ReverseEndianness((ushort)self.Port);
            using var netlink = new SocketNetlink();
            return netlink.Close(new HashSet<UdpSocket> { new(BitConverter.ToUInt64(cookie), Address.From(self.Address), portBe) }).Count == 1
                ? null
                : "the kernel does not find UDP sockets";
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return e.Message;
        }
    }

    public void Dispose() => _socket.Dispose();

    private List<Connected> Find(byte family, ushort portBe)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        request.Clear();
        request[0] = family;
        request[1] = Udp;
        MemoryMarshal.Write(request[RequestStates..], Established);
        MemoryMarshal.Write(request[(RequestIdentity + IdentityOtherPort)..], portBe);
        return _socket.Dump(ByFamily, request, ByFamily, ToConnected);
    }

    private static Connected? ToConnected(ReadOnlySpan<byte> body)
    {
        if (body.Length < MessageLength)
        {
            return null;
        }

        var identity = body.Slice(MessageIdentity, IdentityLength);
        var socket = new UdpSocket(
            MemoryMarshal.Read<ulong>(identity[IdentityCookie..]),
            NetlinkAttributes.ToAddress(identity.Slice(IdentityOther, body[0] == FamilyIPv4 ? 4 : 16)) ?? default,
            MemoryMarshal.Read<ushort>(identity[IdentityOtherPort..]));
        return new Connected(socket, body[0], identity.ToArray());
    }

    private bool TryDestroy(Connected found)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        request.Clear();
        request[0] = found.Family;
        request[1] = Udp;
        MemoryMarshal.Write(request[RequestStates..], Established);
        found.Identity.CopyTo(request[RequestIdentity..]);
        int error = _socket.Do(Destroy, request);
        return error switch
        {
            0 => true,
            NoSuchSocket or Exchanged => false,
            _ => throw new NetlinkException(error),
        };
    }

    /// <summary>A socket as the kernel tells it; its identity is what the kernel wants to hear.</summary>
    private sealed record Connected(UdpSocket Socket, byte Family, byte[] Identity);
}
