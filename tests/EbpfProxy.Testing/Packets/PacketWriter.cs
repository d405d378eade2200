using System.Buffers.Binary;

namespace EbpfProxy.Testing.Packets;

/// <summary>The bytes of a packet.</summary>
internal static class PacketWriter
{
    private const ushort Vlan = 0x8100;
    private const ushort IPv4 = 0x0800;
    private const ushort IPv6 = 0x86dd;

    public static byte[] EthernetHeader(Packet packet)
    {
        ushort type = packet.IsV6 ? IPv6 : IPv4;
        byte[] addresses = [0x02, 0, 0, 0, 0, Device(!packet.IsBack), 0x02, 0, 0, 0, 0, Device(packet.IsBack)];
        return packet.VlanId is { } vlan
            ? [.. addresses, .. Word(Vlan), .. Word(vlan), .. Word(type)]
            : [.. addresses, .. Word(type)];
    }

    public static byte[] Write(Packet packet)
    {
        byte[] whole = packet.Transport.Write(packet.Source, packet.Destination);
        var (offset, length) = packet.Part ?? (0, whole.Length);
        int end = (int)Math.Min(whole.Length, (long)offset + length);
        var content = whole.AsSpan(offset, end - offset);
        return packet.IsV6
            ? WriteV6(packet, content, offset, end < whole.Length)
            : WriteV4(packet, content, offset, end < whole.Length);
    }

    private static byte[] WriteV4(Packet packet, ReadOnlySpan<byte> content, int offset, bool hasMore)
    {
        int headerLength = 20 + packet.Options.Length;
        byte[] header = new byte[headerLength];
        header[0] = (byte)(0x40 | (headerLength / 4));
        header[1] = packet.TrafficClass;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(headerLength + content.Length));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)packet.Id);
        int flags = (packet.IsUndivided ? 0x4000 : 0) | (hasMore ? 0x2000 : 0);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(6), (ushort)(flags | (offset / 8)));
        header[8] = packet.HopLimit;
        header[9] = packet.Transport.Protocol;
        packet.Source.TryWriteBytes(header.AsSpan(12), out _);
        packet.Destination.TryWriteBytes(header.AsSpan(16), out _);
        packet.Options.CopyTo(header.AsSpan(20));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(10), InternetChecksum.Of(header));
        return [.. header, .. content];
    }

    private static byte[] WriteV6(Packet packet, ReadOnlySpan<byte> content, int offset, bool hasMore)
    {
        var extensions = packet.Extensions.ToList();
        if (packet.Part is not null)
        {
            byte[] fragment = new byte[6];
            BinaryPrimitives.WriteUInt16BigEndian(fragment, (ushort)(offset | (hasMore ? 1 : 0)));
            BinaryPrimitives.WriteUInt32BigEndian(fragment.AsSpan(2), packet.Id);
            extensions.Add((IpProtocol.Fragment, fragment));
        }

        var behind = new List<byte>();
        for (int i = 0; i < extensions.Count; i++)
        {
            var (type, extension) = extensions[i];
            behind.Add(i + 1 < extensions.Count ? extensions[i + 1].Type : packet.Transport.Protocol);
            behind.Add(type == IpProtocol.Fragment ? (byte)0 : (byte)(((extension.Length + 2) / 8) - 1));
            behind.AddRange(extension);
        }

        byte[] header = new byte[40];
        BinaryPrimitives.WriteUInt32BigEndian(header, 0x6000_0000u | ((uint)packet.TrafficClass << 20) | packet.FlowLabel);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)(behind.Count + content.Length));
        header[6] = extensions.Count > 0 ? extensions[0].Type : packet.Transport.Protocol;
        header[7] = packet.HopLimit;
        packet.Source.TryWriteBytes(header.AsSpan(8), out _);
        packet.Destination.TryWriteBytes(header.AsSpan(24), out _);
        return [.. header, .. behind, .. content];
    }

    private static byte Device(bool isRight) => isRight ? (byte)0x02 : (byte)0x01;

    private static byte[] Word(ushort value) => [(byte)(value >> 8), (byte)value];
}
