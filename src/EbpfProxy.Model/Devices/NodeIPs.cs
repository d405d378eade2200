using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Devices;

/// <summary>The addresses that this node is known by, one a family. A loopback address stands for one that is not known.</summary>
public sealed record NodeIPs(IpFamily PrimaryFamily, Address IPv4, Address IPv6)
{
    private static readonly Address _loopback4 = Address.FromIPv4(0x7f000001);
    private static readonly Address _loopback6 = new(1);

    public Address this[IpFamily family] => family == IpFamily.IPv4 ? IPv4 : IPv6;

    /// <summary>The same as kube-proxy: the first address of each family that the node has, unless a bind address says otherwise.</summary>
    /// <param name="addresses">What the operator or the Node object says, in order; may be empty.</param>
    /// <param name="bindAddress">The unspecified address for none.</param>
    public static NodeIPs Detect(IReadOnlyList<Address> addresses, Address bindAddress)
    {
        var found = new NodeIPs(
            addresses.Count > 0 ? addresses[0].Family : IpFamily.IPv4,
            FirstOf(addresses, IpFamily.IPv4) ?? _loopback4,
            FirstOf(addresses, IpFamily.IPv6) ?? _loopback6);
        if (bindAddress == Address.AnyOf(bindAddress.Family))
        {
            return found;
        }

        return bindAddress.Family == IpFamily.IPv4
            ? found with { PrimaryFamily = IpFamily.IPv4, IPv4 = bindAddress }
            : found with { PrimaryFamily = IpFamily.IPv6, IPv6 = bindAddress };
    }

    /// <summary>
    /// The same, where neither operator nor Node object nor bind address says anything, from the devices that lead to
    /// everywhere.
    /// </summary>
    public static NodeIPs Detect(IReadOnlyList<Address> addresses, Address bindAddress, NodeNetwork network)
    {
        if (addresses.Count == 0 && bindAddress == Address.AnyOf(bindAddress.Family))
        {
            addresses = [.. new[] { IpFamily.IPv4, IpFamily.IPv6 }.Select(family => OfUplink(network, family)).OfType<Address>()];
        }

        return Detect(addresses, bindAddress);
    }

    private static Address? OfUplink(NodeNetwork network, IpFamily family)
    {
        var uplink = network.UplinksOf(family).Select(network.FindDevice).FirstOrDefault(device => device is not null);
        return uplink is null ? null : MasqueradeAddress.Choose(network, uplink, family);
    }

    private static Address? FirstOf(IEnumerable<Address> addresses, IpFamily family) =>
        addresses.Where(address => address.Family == family).Select(address => (Address?)address).FirstOrDefault();
}
