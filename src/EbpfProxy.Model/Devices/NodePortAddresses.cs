using System.Collections.Immutable;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Devices;

/// <summary>Which addresses of the node answer on node ports, as kube-proxy's nodePortAddresses says.</summary>
/// <param name="Prefixes">Empty for all.</param>
/// <param name="IsPrimary">Whether only the node IPs do ("primary").</param>
public sealed record NodePortAddresses(ImmutableArray<Prefix> Prefixes, bool IsPrimary)
{
    public static NodePortAddresses All { get; } = new([], IsPrimary: false);

    /// <summary>The addresses; a loopback address is never among them.</summary>
    public IReadOnlySet<Address> Select(NodeNetwork network, NodeIPs nodeIPs)
    {
        var prefixes = PrefixesFor(nodeIPs);
        return network.LocalAddresses
            .Where(local => prefixes.Any(prefix => prefix.Family == local.Address.Family)
                ? prefixes.Any(prefix => prefix.Contains(local.Address) && (prefix.Length > 0 || IsOfAll(local)))
                : IsOfAll(local))
            .Select(local => local.Address)
            .ToHashSet();
    }

    /// <summary>
    /// Where a server listens that is asked on these addresses: the unspecified address stands for all of a family, and is
    /// left out where the node has no address of it. Unlike node ports a server may listen on loopback, where a prefix names
    /// it; link-local addresses of IPv6 belong to one device and are left out.
    /// </summary>
    public IReadOnlySet<Address> ListenOn(NodeNetwork network, NodeIPs nodeIPs)
    {
        var prefixes = PrefixesFor(nodeIPs);
        var chosen = new HashSet<Address>();
        foreach (var family in new[] { IpFamily.IPv4, IpFamily.IPv6 }.Where(family => network.Addresses.Any(own => own.Address.Family == family)))
        {
            Prefix[] ofFamily = [.. prefixes.Where(prefix => prefix.Family == family)];
            if (ofFamily.Length == 0 || ofFamily.Any(prefix => prefix.Length == 0))
            {
                chosen.Add(Address.AnyOf(family));
            }
            else
            {
                chosen.UnionWith(Bindable(network).Where(address => ofFamily.Any(prefix => prefix.Contains(address))));
            }
        }

        return chosen;
    }

    /// <summary>
    /// Whether an address is one of all, as the kernel's type "local" says it for kube-proxy. Link-local ones of IPv6 are not:
    /// what is asked there comes from such an address, and may not be sent on to a backend (RFC 4291, 2.5.6).
    /// </summary>
    private static bool IsOfAll(DeviceAddress local) => local.Address.Family == IpFamily.IPv4 || local.IsGlobal;

    private static IEnumerable<Address> Bindable(NodeNetwork network) => network.LocalAddresses
        .Where(IsOfAll)
        .Concat(network.Addresses.Where(own => own.Address.IsLoopback))
        .Select(own => own.Address);

    /// <summary>A family without a prefix matches all, also where the node IP of it is not known: kube-proxy does so.</summary>
    private ImmutableArray<Prefix> PrefixesFor(NodeIPs nodeIPs) => IsPrimary ? PrefixesOf(nodeIPs) : Prefixes;

    private static ImmutableArray<Prefix> PrefixesOf(NodeIPs nodeIPs) =>
    [
        .. new[] { nodeIPs.IPv4, nodeIPs.IPv6 }
            .Where(address => !address.IsLoopback)
            .Select(address => new Prefix(address, (byte)(address.Family == IpFamily.IPv4 ? 32 : 128))),
    ];
}
