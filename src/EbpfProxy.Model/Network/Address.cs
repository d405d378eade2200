using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace EbpfProxy.Model.Network;

/// <summary>
/// An IP address of either family. An IPv4 address is kept v4-mapped (::ffff:a.b.c.d), as the tables of the datapath
/// keep it, so that one type, one key and one comparison serve both.
/// </summary>
/// <param name="Bits">The sixteen bytes of the address as a big-endian number.</param>
public readonly record struct Address(UInt128 Bits) : IComparable<Address>
{
    private static readonly UInt128 _mappedPrefix = (UInt128)0xffff << 32;

    /// <summary>The address that stands for "any" in the table of frontends: a node port is one entry under it.</summary>
    public static Address Any => default;

    /// <summary>The family; a v4-mapped address is IPv4.</summary>
    public IpFamily Family => Bits >> 32 == 0xffff ? IpFamily.IPv4 : IpFamily.IPv6;

    /// <summary>Whether the address is in 127.0.0.0/8 or is ::1.</summary>
    public bool IsLoopback => Family == IpFamily.IPv4 ? (byte)(Bits >> 24) == 127 : Bits == UInt128.One;

    public static Address FromIPv4(uint hostOrder) => new(_mappedPrefix | hostOrder);

    public static Address From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            address.TryWriteBytes(bytes, out _);
            return FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes));
        }

        address.TryWriteBytes(bytes, out _);
        return new Address(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        return Family == IpFamily.IPv4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes);
    }

    public int CompareTo(Address other) => Bits.CompareTo(other.Bits);

    public override string ToString() => ToIPAddress().ToString();
}
