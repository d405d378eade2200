using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace EbpfProxy.Testing.Packets;

/// <summary>The checksum of IP, TCP, UDP and ICMP (RFC 1071), and that of SCTP (CRC32c, RFC 9260).</summary>
internal static class InternetChecksum
{
    private const uint Castagnoli = 0x82f63b78;

    /// <summary>The checksum of bytes whose checksum field is zero; over bytes with their checksum it is 0 where that is right.</summary>
    public static ushort Of(params ReadOnlySpan<byte[]> parts)
    {
        ulong sum = 0;
        foreach (byte[] part in parts)
        {
            for (int i = 0; i < part.Length; i++)
            {
                sum += (i & 1) == 0 ? (uint)part[i] << 8 : part[i];
            }
        }

        while (sum > 0xffff)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return (ushort)~sum;
    }

    /// <summary>What TCP, UDP and ICMPv6 count in of the IP header.</summary>
    public static byte[] PseudoHeader(IPAddress source, IPAddress destination, byte protocol, int length)
    {
        byte[] tail;
        if (source.AddressFamily == AddressFamily.InterNetwork)
        {
            tail = [0, protocol, 0, 0];
            BinaryPrimitives.WriteUInt16BigEndian(tail.AsSpan(2), (ushort)length);
        }
        else
        {
            tail = [0, 0, 0, 0, 0, 0, 0, protocol];
            BinaryPrimitives.WriteInt32BigEndian(tail, length);
        }

        return [.. source.GetAddressBytes(), .. destination.GetAddressBytes(), .. tail];
    }

    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte next in bytes)
        {
            crc ^= next;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) == 0 ? 0 : Castagnoli);
            }
        }

        return ~crc;
    }
}
