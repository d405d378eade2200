using System.Net;

namespace EbpfProxy.Testing.Packets;

/// <summary>What the packet carries.</summary>
public sealed partial record Packet
{
    /// <summary>A TCP segment with ACK, unless a word behind it says something else.</summary>
    public static Packet Tcp(string source, string destination) => Between(source, destination, (from, to) => new TcpSegment(from, to));

    public static Packet Udp(string source, string destination) => Between(source, destination, (from, to) => new UdpDatagram(from, to));

    /// <summary>An SCTP packet with an INIT chunk without parameters.</summary>
    public static Packet Sctp(string source, string destination) => Between(source, destination, (from, to) => new SctpPacket(from, to)
    {
        Chunks = [1, 0, 0, 20, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1],
    });

    /// <summary>Some other protocol.</summary>
    public static Packet Other(byte protocol, string source, string destination, byte[] content) =>
        new(IPAddress.Parse(source), IPAddress.Parse(destination), new OtherTransport(protocol, content));

    public Packet Syn() => Flags(TcpBits.Syn);

    public Packet SynAck() => Flags(TcpBits.Syn | TcpBits.Ack);

    public Packet Ack() => Flags(TcpBits.Ack);

    public Packet Fin() => Flags(TcpBits.Fin | TcpBits.Ack);

    public Packet Rst() => Flags(TcpBits.Rst);

    public Packet Flags(TcpBits flags) => this with { Transport = Carried<TcpSegment>() with { Flags = flags } };

    /// <summary>The sequence and acknowledgement numbers of a TCP segment.</summary>
    public Packet Numbers(uint sequence, uint acknowledgement = 0) =>
        this with { Transport = Carried<TcpSegment>() with { Sequence = sequence, Acknowledgement = acknowledgement } };

    public Packet Window(ushort window) => this with { Transport = Carried<TcpSegment>() with { Window = window } };

    /// <summary>TCP options as they stand, a multiple of 4 bytes.</summary>
    public Packet TcpOptions(params byte[] options) => this with { Transport = Carried<TcpSegment>() with { Options = options } };

    /// <summary>A UDP datagram with the checksum 0: none.</summary>
    public Packet WithoutChecksum() => this with { Transport = Carried<UdpDatagram>() with { HasChecksum = false } };

    public Packet Tag(uint tag) => this with { Transport = Carried<SctpPacket>() with { Tag = tag } };

    /// <summary>A payload of <paramref name="length"/> bytes, none like its neighbour.</summary>
    public Packet Payload(int length) => Payload([.. Enumerable.Range(0, length).Select(i => (byte)((i * 7) + 1))]);

    /// <summary>The payload of TCP or UDP, the chunks of SCTP, the body of ICMP.</summary>
    public Packet Payload(byte[] bytes) => this with
    {
        Transport = Transport switch
        {
            TcpSegment tcp => tcp with { Payload = bytes },
            UdpDatagram udp => udp with { Payload = bytes },
            SctpPacket sctp => sctp with { Chunks = bytes },
            IcmpMessage icmp => icmp with { Body = bytes },
            _ => throw new InvalidOperationException($"{Transport.GetType().Name} has no payload"),
        },
    };

    private static Packet Between(string source, string destination, Func<ushort, ushort, Transport> transport)
    {
        var from = IPEndPoint.Parse(source);
        var to = IPEndPoint.Parse(destination);
        return new Packet(from.Address, to.Address, transport((ushort)from.Port, (ushort)to.Port));
    }

    private T Carried<T>()
        where T : Transport =>
        Transport as T ?? throw new InvalidOperationException($"not a {typeof(T).Name} but a {Transport.GetType().Name}");
}
