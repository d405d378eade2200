using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace EbpfProxy.Testing.Packets;

/// <summary>The flags of a TCP segment, as they stand in the header.</summary>
[Flags]
public enum TcpBits : byte
{
    None = 0,
    Fin = 1 << 0,
    Syn = 1 << 1,
    Rst = 1 << 2,
    Psh = 1 << 3,
    Ack = 1 << 4,
}

/// <summary>What an IP packet carries. Records hold bytes and are never compared; frames are.</summary>
internal abstract record Transport
{
    public abstract byte Protocol { get; }

    /// <summary>The source port; 0 where there is none.</summary>
    public virtual ushort Source => 0;

    /// <summary>The bytes behind the IP header, with their checksum.</summary>
    public abstract byte[] Write(IPAddress source, IPAddress destination);

    protected static byte[] WithPorts(int headerLength, ushort source, ushort destination, ReadOnlySpan<byte> rest)
    {
        byte[] bytes = new byte[headerLength + rest.Length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, source);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), destination);
        rest.CopyTo(bytes.AsSpan(headerLength));
        return bytes;
    }
}

internal sealed record TcpSegment(ushort SourcePort, ushort DestinationPort) : Transport
{
    private const int HeaderLength = 20;

    public override byte Protocol => IpProtocol.Tcp;

    public override ushort Source => SourcePort;

    public TcpBits Flags { get; init; } = TcpBits.Ack;

    public uint Sequence { get; init; } = 1000;

    public uint Acknowledgement { get; init; }

    public byte[] Options { get; init; } = [];

    public byte[] Payload { get; init; } = [];

    public ushort Window { get; init; } = 0xffff;

    public override byte[] Write(IPAddress source, IPAddress destination)
    {
        byte[] bytes = WithPorts(HeaderLength, SourcePort, DestinationPort, [.. Options, .. Payload]);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), Acknowledgement);
        bytes[12] = (byte)((HeaderLength + Options.Length) / 4 << 4);
        bytes[13] = (byte)Flags;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), Window);
        ushort sum = InternetChecksum.Of(InternetChecksum.PseudoHeader(source, destination, Protocol, bytes.Length), bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(16), sum);
        return bytes;
    }
}

internal sealed record UdpDatagram(ushort SourcePort, ushort DestinationPort) : Transport
{
    public override byte Protocol => IpProtocol.Udp;

    public override ushort Source => SourcePort;

    public bool HasChecksum { get; init; } = true;

    public byte[] Payload { get; init; } = [];

    public override byte[] Write(IPAddress source, IPAddress destination)
    {
        byte[] bytes = WithPorts(8, SourcePort, DestinationPort, Payload);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)bytes.Length);
        if (HasChecksum)
        {
            ushort sum = InternetChecksum.Of(InternetChecksum.PseudoHeader(source, destination, Protocol, bytes.Length), bytes);

            // A sum of 0 would say that there is none.
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), sum == 0 ? (ushort)0xffff : sum);
        }

        return bytes;
    }
}

internal sealed record SctpPacket(ushort SourcePort, ushort DestinationPort) : Transport
{
    public override byte Protocol => IpProtocol.Sctp;

    public override ushort Source => SourcePort;

    public uint Tag { get; init; }

    public byte[] Chunks { get; init; } = [];

    public override byte[] Write(IPAddress source, IPAddress destination)
    {
        byte[] bytes = WithPorts(12, SourcePort, DestinationPort, Chunks);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Tag);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), InternetChecksum.Crc32C(bytes));
        return bytes;
    }
}

/// <param name="IsV6">Whether it is an ICMPv6 message.</param>
/// <param name="Type">The type.</param>
/// <param name="Code">The code.</param>
/// <param name="Rest">The four bytes behind the checksum: identifier and sequence, MTU, or nothing.</param>
/// <param name="Body">What follows.</param>
internal sealed record IcmpMessage(bool IsV6, byte Type, byte Code, uint Rest, byte[] Body) : Transport
{
    public override byte Protocol => IsV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp;

    public override byte[] Write(IPAddress source, IPAddress destination)
    {
        byte[] bytes = [Type, Code, 0, 0, 0, 0, 0, 0, .. Body];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Rest);
        byte[] pseudo = source.AddressFamily == AddressFamily.InterNetworkV6
            ? InternetChecksum.PseudoHeader(source, destination, Protocol, bytes.Length)
            : [];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), InternetChecksum.Of(pseudo, bytes));
        return bytes;
    }
}

/// <summary>A protocol that has no ports known to us.</summary>
internal sealed record OtherTransport(byte Number, byte[] Bytes) : Transport
{
    public override byte Protocol => Number;

    public override byte[] Write(IPAddress source, IPAddress destination) => [.. Bytes];
}
