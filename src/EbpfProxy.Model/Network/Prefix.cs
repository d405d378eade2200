namespace EbpfProxy.Model.Network;

/// <summary>A CIDR prefix. <see cref="Length"/> counts in the family's own bits: 0 to 32 for IPv4, 0 to 128 for IPv6.</summary>
public readonly record struct Prefix(Address Address, byte Length)
{
    public override string ToString() => $"{Address}/{Length}";
}
