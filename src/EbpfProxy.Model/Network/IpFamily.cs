namespace EbpfProxy.Model.Network;

/// <summary>An IP family, by its version number.</summary>
public enum IpFamily : byte
{
    IPv4 = 4,
    IPv6 = 6,
}
