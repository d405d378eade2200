using System.Net;
using System.Net.Sockets;

namespace EbpfProxy.Testing.Packets;

/// <summary>
/// An IP packet as a sentence: <c>Packet.Tcp("10.0.0.2:3333", "10.96.0.1:80").Syn().Hops(1)</c>. Each word gives a new packet.
/// Lengths and checksums are made anew for every frame, so that what is expected never comes from what was seen.
/// </summary>
public sealed partial record Packet
{
    private Packet(IPAddress source, IPAddress destination, Transport transport)
    {
        if (source.AddressFamily != destination.AddressFamily)
        {
            throw new ArgumentException($"{source} and {destination} are not of one family");
        }

        (Source, Destination, Transport) = (source, destination, transport);
    }

    public IPAddress Source { get; }

    public IPAddress Destination { get; }

    public bool IsV6 => Source.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>TTL or hop limit.</summary>
    public byte HopLimit { get; private init; } = 64;

    /// <summary>The port of the source; 0 where there are none.</summary>
    public ushort SourcePort => Transport.Source;

    /// <summary>The bytes before what the packet carries: the IP header with its options and extension headers.</summary>
    public int HeaderLength => ToBytes().Length - Transport.Write(Source, Destination).Length;

    internal Transport Transport { get; private init; }

    internal uint Id { get; private init; }

    internal bool IsUndivided { get; private init; }

    internal byte[] Options { get; private init; } = [];

    internal byte TrafficClass { get; private init; }

    internal uint FlowLabel { get; private init; }

    /// <summary>IPv6 extension headers before the fragment header, in order; the content is what follows the length byte.</summary>
    internal IReadOnlyList<(byte Type, byte[] Content)> Extensions { get; private init; } = [];

    internal (int Offset, int Length)? Part { get; private init; }

    internal bool IsBack { get; private init; }

    internal ushort? VlanId { get; private init; }

    public Packet Hops(byte limit) => this with { HopLimit = limit };

    /// <summary>The identification of IPv4, or of the fragments of IPv6.</summary>
    public Packet Identified(uint id) => this with { Id = id };

    public Packet DontFragment() => this with { IsUndivided = true };

    /// <summary>TOS or traffic class.</summary>
    public Packet Class(byte trafficClass) => this with { TrafficClass = trafficClass };

    public Packet Flow(uint label) => this with { FlowLabel = label };

    /// <summary>IPv4 options of that many bytes in all, a multiple of 4 and 40 at most: no operation.</summary>
    public Packet WithOptions(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(length % 4, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 40);
        return this with { Options = [.. Enumerable.Repeat((byte)1, length)] };
    }

    /// <summary>An IPv6 hop-by-hop header of that many bytes in all, a multiple of 8.</summary>
    public Packet HopByHop(int length = 8) => Extended(IpProtocol.HopByHop, Padding(length));

    /// <summary>An IPv6 header of destination options, of that many bytes in all, a multiple of 8.</summary>
    public Packet DestinationOptions(int length = 8) => Extended(IpProtocol.DestinationOptions, Padding(length));

    /// <summary>An IPv6 routing header with all its segments behind it.</summary>
    public Packet Routed() => Extended(IpProtocol.Routing, [253, 0, 0, 0, 0, 0]);

    /// <summary>
    /// The fragment with that part of what the IP header is followed by; the checksum in it is that of the whole. The last
    /// one has no more behind it.
    /// </summary>
    public Packet Fragment(int offset, int length = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offset % 8, 0);
        return this with { Part = (offset, length) };
    }

    /// <summary>A tag of 802.1Q within the frame.</summary>
    public Packet Vlan(ushort id) => this with { VlanId = id };

    /// <summary>Frames go from 02:00:00:00:00:01 to 02:00:00:00:00:02; this one goes the other way.</summary>
    public Packet Back() => this with { IsBack = true };

    /// <summary>The packet from its IP header on.</summary>
    public byte[] ToBytes() => PacketWriter.Write(this);

    /// <summary>The packet behind an Ethernet header.</summary>
    public byte[] ToFrame() => [.. PacketWriter.EthernetHeader(this), .. ToBytes()];

    public override string ToString() => Frame.FromBytes(ToBytes()).ToString() + (VlanId is { } vlan ? $" vlan {vlan}" : "");

    private Packet Extended(byte type, byte[] content) => this with { Extensions = [.. Extensions, (type, content)] };

    private static byte[] Padding(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(length % 8, 0);

        // PadN: its type, the number of bytes that follow, zeroes.
        byte[] content = new byte[length - 2];
        content[0] = 1;
        content[1] = (byte)(length - 4);
        return content;
    }
}
