using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Devices;

/// <summary>How far an address is known (RT_SCOPE_*): the smaller the number, the farther.</summary>
public enum AddressScope : byte
{
    Global = 0,
    Site = 200,
    Link = 253,
    Host = 254,
    Nowhere = 255,
}

/// <summary>An address of a device.</summary>
/// <param name="Device">The device's index.</param>
/// <param name="Address">The address.</param>
/// <param name="PrefixLength">How long the prefix is that the device leads to, in the family's own bits.</param>
/// <param name="Scope">How far it is known.</param>
/// <param name="IsSecondary">Whether the kernel prefers another address of the prefix; of IPv6, whether it is temporary.</param>
/// <param name="IsUsable">Whether a new connection may use it: not tentative, deprecated or a duplicate.</param>
public sealed record DeviceAddress(
    int Device, Address Address, byte PrefixLength, AddressScope Scope, bool IsSecondary, bool IsUsable)
{
    /// <summary>Whether others than the node's neighbours can know it.</summary>
    public bool IsGlobal => Scope < AddressScope.Link && !Address.IsLoopback;
}
