using System.Net;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>Packets of one protocol between any two ends.</summary>
internal static class Flow
{
    /// <summary>A packet that can be the first of a flow: a SYN, a datagram, an INIT.</summary>
    public static Packet First(Protocol protocol, string from, string to) => protocol switch
    {
        Protocol.Tcp => Packet.Tcp(from, to).Syn(),
        Protocol.Udp => Packet.Udp(from, to).Payload(5),
        Protocol.Sctp => Packet.Sctp(from, to),
    };

    /// <summary>What answers it.</summary>
    public static Packet Reply(Protocol protocol, string from, string to) => protocol switch
    {
        Protocol.Tcp => Packet.Tcp(from, to).SynAck().Numbers(7000, 1001),
        Protocol.Udp => Packet.Udp(from, to).Payload(9),
        Protocol.Sctp => Packet.Sctp(from, to).Tag(77),
    };

    public static string End(Address address, int port) => new IPEndPoint(address.ToIPAddress(), port).ToString();

    public static string End(string address, int port) => new IPEndPoint(IPAddress.Parse(address), port).ToString();
}
