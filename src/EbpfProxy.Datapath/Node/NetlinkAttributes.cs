using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Node;

/// <summary>The attributes behind the fixed part of a netlink message: length, type, value, padded to four bytes.</summary>
internal static class NetlinkAttributes
{
    private const int HeaderLength = 4;
    private const ushort TypeMask = 0x3fff;

    public static int Align(int length) => (length + 3) & ~3;

    /// <summary>The first attribute of that type; empty where there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, ushort type)
    {
        TryFind(attributes, type, out var value);
        return value;
    }

    /// <summary>Whether there is one of that type, which may have no value.</summary>
    public static bool Has(ReadOnlySpan<byte> attributes, ushort type) => TryFind(attributes, type, out _);

    private static bool TryFind(ReadOnlySpan<byte> attributes, ushort type, out ReadOnlySpan<byte> value)
    {
        while (attributes.Length >= HeaderLength)
        {
            int found = MemoryMarshal.Read<ushort>(attributes[2..]) & TypeMask;
            if (!TryTake(ref attributes, out value))
            {
                break;
            }

            if (found == type)
            {
                return true;
            }
        }

        value = [];
        return false;
    }

    /// <summary>Takes the value of the first attribute; false where there is none that is whole.</summary>
    public static bool TryTake(scoped ref ReadOnlySpan<byte> attributes, out ReadOnlySpan<byte> value)
    {
        value = [];
        int length = attributes.Length >= HeaderLength ? MemoryMarshal.Read<ushort>(attributes) : 0;
        if (length < HeaderLength || length > attributes.Length)
        {
            return false;
        }

        value = attributes[HeaderLength..length];
        attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        return true;
    }

    /// <summary>An attribute with its padding.</summary>
    public static byte[] Make(int type, params ReadOnlySpan<byte> value)
    {
        byte[] attribute = new byte[Align(HeaderLength + value.Length)];
        BitConverter.TryWriteBytes(attribute, (ushort)(HeaderLength + value.Length));
        BitConverter.TryWriteBytes(attribute.AsSpan(2), (ushort)type);
        value.CopyTo(attribute.AsSpan(HeaderLength));
        return attribute;
    }

    public static string ToText(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value.TrimEnd((byte)0));

    public static uint ToUInt32(ReadOnlySpan<byte> value, uint otherwise) =>
        value.Length >= sizeof(uint) ? MemoryMarshal.Read<uint>(value) : otherwise;

    /// <summary>A number as netfilter writes it.</summary>
    public static uint ToUInt32BigEndian(ReadOnlySpan<byte> value, uint otherwise) =>
        value.Length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(value) : otherwise;

    public static Address? ToAddress(ReadOnlySpan<byte> value) => value.Length switch
    {
        4 => Address.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(value)),
        16 => new Address(BinaryPrimitives.ReadUInt128BigEndian(value)),
        _ => null,
    };
}
