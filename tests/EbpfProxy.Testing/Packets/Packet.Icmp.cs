using System.Net;
using System.Net.Sockets;

namespace EbpfProxy.Testing.Packets;

/// <summary>ICMP and ICMPv6: which one is told by the addresses.</summary>
public sealed partial record Packet
{
    private const int QuotedV4 = 548;
    private const int QuotedV6 = 1232;

    /// <summary>An echo request.</summary>
    public static Packet Echo(string source, string destination, ushort identifier, ushort sequence = 1) =>
        Icmp(source, destination, v4: (8, 0), v6: (128, 0), ((uint)identifier << 16) | sequence, []);

    public static Packet EchoReply(string source, string destination, ushort identifier, ushort sequence = 1) =>
        Icmp(source, destination, v4: (0, 0), v6: (129, 0), ((uint)identifier << 16) | sequence, []);

    /// <summary>Destination unreachable, of any code of the family.</summary>
    public static Packet Unreachable(string source, string destination, byte code, Packet quoted) =>
        Error(source, destination, v4: (3, code), v6: (1, code), 0, quoted);

    /// <summary>Port unreachable: what a refused client gets.</summary>
    public static Packet PortUnreachable(string source, string destination, Packet quoted) =>
        Error(source, destination, v4: (3, 3), v6: (1, 4), 0, quoted);

    /// <summary>Fragmentation needed, or packet too big.</summary>
    public static Packet TooBig(string source, string destination, ushort mtu, Packet quoted) =>
        Error(source, destination, v4: (3, 4), v6: (2, 0), mtu, quoted);

    public static Packet TimeExceeded(string source, string destination, Packet quoted) =>
        Error(source, destination, v4: (11, 0), v6: (3, 0), 0, quoted);

    /// <summary>Any message at all.</summary>
    public static Packet IcmpOf(string source, string destination, byte type, byte code, uint rest, byte[] body) =>
        Icmp(source, destination, (type, code), (type, code), rest, body);

    /// <summary>Leaves only the first bytes of what an error quotes.</summary>
    public Packet Quoting(int length) =>
        this with { Transport = Carried<IcmpMessage>() with { Body = Carried<IcmpMessage>().Body[..length] } };

    private static Packet Error(
        string source, string destination, (byte Type, byte Code) v4, (byte Type, byte Code) v6, uint rest, Packet quoted)
    {
        byte[] bytes = quoted.ToBytes();
        return Icmp(source, destination, v4, v6, rest, bytes[..Math.Min(bytes.Length, quoted.IsV6 ? QuotedV6 : QuotedV4)]);
    }

    private static Packet Icmp(
        string source, string destination, (byte Type, byte Code) v4, (byte Type, byte Code) v6, uint rest, byte[] body)
    {
        var from = IPAddress.Parse(source);
        bool isV6 = from.AddressFamily == AddressFamily.InterNetworkV6;
        var (type, code) = isV6 ? v6 : v4;
        return new Packet(from, IPAddress.Parse(destination), new IcmpMessage(isV6, type, code, rest, body));
    }
}
