namespace EbpfProxy.Model.Network;

/// <summary>A CIDR prefix. <see cref="Length"/> counts in the family's own bits: 0 to 32 for IPv4, 0 to 128 for IPv6.</summary>
public readonly record struct Prefix(Address Address, byte Length)
{
    private const int MappedBits = 96;
    private const int FullBits = 128;

    public IpFamily Family => Address.Family;

    /// <summary>The length in the sixteen bytes of the address, as a longest-prefix table needs it.</summary>
    public int MappedLength => Family == IpFamily.IPv4 ? Length + MappedBits : Length;

    /// <summary>The prefix that is one address.</summary>
    public static Prefix Of(Address address) => FromMapped(address, FullBits);

    /// <summary>The prefix whose length counts in the sixteen bytes of the address.</summary>
    public static Prefix FromMapped(Address address, int mappedLength) =>
        new(address, (byte)(address.Family == IpFamily.IPv4 ? mappedLength - MappedBits : mappedLength));

    /// <summary>
    /// Reads "address/length" as <see cref="Address.TryParse(ReadOnlySpan{char}, out Address)"/> reads the address; leading
    /// zeros of the length mean nothing, bits of the address behind the prefix are cleared. White space around it is the
    /// caller's. A prefix of v4-mapped addresses (::ffff:10.0.0.0/104) is the IPv4 prefix that it names (10.0.0.0/8).
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Prefix prefix)
    {
        prefix = default;
        int slash = text.IndexOf('/');
        return slash >= 0
            && Address.TryParse(text[..slash], out var address)
            && AddressParser.TryParseDecimal(text[(slash + 1)..], 128, out uint length)
            && TryMake(address, length, isMapped: text[..slash].Contains(':'), out prefix);
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out Prefix)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out Prefix prefix)
    {
        prefix = default;
        int slash = utf8.IndexOf((byte)'/');
        return slash >= 0
            && Address.TryParse(utf8[..slash], out var address)
            && AddressParser.TryParseDecimal(utf8[(slash + 1)..], 128, out uint length)
            && TryMake(address, length, isMapped: utf8[..slash].Contains((byte)':'), out prefix);
    }

    /// <summary>Whether the address is of the family and in the prefix.</summary>
    public bool Contains(Address address) =>
        address.Family == Family && ((address.Bits ^ Address.Bits) & Mask(MappedLength)) == 0;

    public override string ToString() => $"{Address}/{Length}";

    /// <param name="address">An address of the prefix.</param>
    /// <param name="length">The length as written.</param>
    /// <param name="isMapped">Whether the address was written as an IPv6 address, so that the length counts in its bits.</param>
    /// <param name="prefix">The prefix.</param>
    private static bool TryMake(Address address, uint length, bool isMapped, out Prefix prefix)
    {
        prefix = default;
        if (!isMapped)
        {
            if (length > 32)
            {
                return false;
            }

            length += MappedBits;
        }

        var network = new Address(address.Bits & Mask((int)length));
        prefix = FromMapped(network, (int)length);
        return true;
    }

    private static UInt128 Mask(int length) => length == 0 ? 0 : UInt128.MaxValue << (128 - length);
}
