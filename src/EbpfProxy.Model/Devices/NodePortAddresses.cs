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
        // A family without a prefix matches all, also where the node IP of it is not known: kube-proxy does so.
        var prefixes = IsPrimary ? PrefixesOf(nodeIPs) : Prefixes;
        return network.LocalAddresses
            .Where(local => prefixes.Any(prefix => prefix.Family == local.Address.Family)
                ? prefixes.Any(prefix => prefix.Contains(local.Address) && (prefix.Length > 0 || local.IsGlobal))
                : local.IsGlobal)
            .Select(local => local.Address)
            .ToHashSet();
    }

    private static ImmutableArray<Prefix> PrefixesOf(NodeIPs nodeIPs) =>
    [
        .. new[] { nodeIPs.IPv4, nodeIPs.IPv6 }
            .Where(address => !address.IsLoopback)
            .Select(address => new Prefix(address, (byte)(address.Family == IpFamily.IPv4 ? 32 : 128))),
    ];
}
