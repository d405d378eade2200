using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Devices;

/// <summary>
/// The source address of what leaves by a device and is masqueraded there: the one that the kernel's MASQUERADE takes.
/// Where a device has none, an address that the answer finds its way back to.
/// </summary>
public static class MasqueradeAddress
{
    /// <summary>Null where the node has no address of the family that others could answer to.</summary>
    public static Address? Choose(NodeNetwork network, NodeDevice device, IpFamily family)
    {
        foreach (int place in new[] { device.Index, device.Master }.Concat(network.UplinksOf(family)).Where(index => index != 0))
        {
            if (Best(network.LocalAddresses.Where(address => address.Device == place && address.IsGlobal), family) is { } found)
            {
                return found;
            }
        }

        // Of the others the first; else a link-local IPv4 address, which at least reaches the neighbours. An IPv6 one
        // names no device and reaches nobody.
        return Best(network.LocalAddresses.Where(address => address.IsGlobal), family)
            ?? (family == IpFamily.IPv4 ? Best(network.LocalAddresses.Where(address => address.Device == device.Index), family) : null);
    }

    private static Address? Best(IEnumerable<DeviceAddress> addresses, IpFamily family) => addresses
        .Where(address => address.Address.Family == family && address.IsUsable && address.Scope < AddressScope.Host)
        .OrderBy(address => address.Scope)
        .ThenBy(address => address.IsSecondary)
        .FirstOrDefault()?.Address;
}
