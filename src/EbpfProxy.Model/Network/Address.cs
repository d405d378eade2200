using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace EbpfProxy.Model.Network;

/// <summary>
/// An IP address of either family. An IPv4 address is kept v4-mapped (::ffff:a.b.c.d), as the tables of the datapath
/// keep it, so that one type, one key and one comparison serve both.
/// </summary>
public readonly record struct Address : IComparable<Address>
{
    private const ulong MappedPrefix = 0xffff_0000_0000;

    // Two words and no UInt128: that one is aligned to 16 bytes, which makes every struct around it larger.
    private readonly ulong _high;
    private readonly ulong _low;

    public Address(UInt128 bits)
        : this((ulong)(bits >> 64), (ulong)bits)
    {
    }

    private Address(ulong high, ulong low)
    {
        _high = high;
        _low = low;
    }

    /// <summary>The unspecified IPv6 address, under which the table of frontends has the IPv6 node ports.</summary>
    public static Address Any => default;

    /// <summary>The sixteen bytes of the address as a big-endian number.</summary>
    public UInt128 Bits => new(_high, _low);

    /// <summary>The family; a v4-mapped address is IPv4.</summary>
    public IpFamily Family => _high == 0 && _low >> 32 == 0xffff ? IpFamily.IPv4 : IpFamily.IPv6;

    /// <summary>Whether the address is in 127.0.0.0/8 or is ::1.</summary>
    public bool IsLoopback => Family == IpFamily.IPv4 ? (byte)(_low >> 24) == 127 : _high == 0 && _low == 1;

    public static Address FromIPv4(uint hostOrder) => new(0, MappedPrefix | hostOrder);

    /// <summary>
    /// The address under which the table of frontends has the node ports of a family: 0.0.0.0 (v4-mapped) or ::. They
    /// differ because the two families of a dual-stack Service share the port and are two services.
    /// </summary>
    public static Address AnyOf(IpFamily family) => family == IpFamily.IPv4 ? FromIPv4(0) : default;

    public static Address From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : new Address(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>
    /// Reads an address as the API server has it. IPv4 is read as kube-proxy reads it: leading zeros are accepted and
    /// the numbers are decimal. IPv6 is strict and has no zone. A v4-mapped literal is the IPv4 address that it names, as
    /// it is to Kubernetes.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Address address) => AddressParser.TryParse(text, out address);

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out Address)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out Address address) => AddressParser.TryParse(utf8, out address);

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        return Family == IpFamily.IPv4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes);
    }

    public int CompareTo(Address other) => _high == other._high ? _low.CompareTo(other._low) : _high.CompareTo(other._high);

    public override string ToString() => ToIPAddress().ToString();
}
