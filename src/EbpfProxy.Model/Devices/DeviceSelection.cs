using System.Collections.Immutable;
using System.IO.Enumeration;

namespace EbpfProxy.Model.Devices;

/// <summary>What a packet begins with at a device.</summary>
public enum LinkHeader
{
    Ethernet,

    /// <summary>Nothing before the IP header: tunnels, WireGuard, tun.</summary>
    None,
}

/// <summary>
/// Which devices packets of services enter and leave the node by. Where the operator says nothing these are all that can
/// carry traffic of nodes, pods or overlays, up or not: one that is down costs nothing.
/// </summary>
public sealed class DeviceSelection
{
    // ARPHRD_* of linux/if_arp.h.
    private const ushort Ethernet = 1;
    private const ushort Ppp = 512;
    private const ushort RawIp = 519;
    private const ushort Tunnel = 768;
    private const ushort Tunnel6 = 769;
    private const ushort Sit = 776;
    private const ushort IpGre = 778;
    private const ushort Ip6Gre = 823;
    private const ushort NoHeader = 0xfffe;

    private const string IpvsDevice = "kube-ipvs0";

    private readonly ImmutableArray<string> _unwanted;

    /// <param name="patterns">
    /// Names with * and ?; one after ! excludes. Where only exclusions are given, they are taken from the devices that
    /// are found.
    /// </param>
    public DeviceSelection(IEnumerable<string> patterns)
    {
        var byKind = patterns.ToLookup(pattern => pattern.StartsWith('!'));
        Wanted = [.. byKind[false]];
        _unwanted = [.. byKind[true].Select(pattern => pattern[1..])];
    }

    /// <summary>The patterns of devices that are wanted; empty for those that are found.</summary>
    public ImmutableArray<string> Wanted { get; }

    /// <summary>The header that packets have there; null where we can make nothing of what is there.</summary>
    public static LinkHeader? HeaderOf(NodeDevice device) => device.Hardware switch
    {
        Ethernet => LinkHeader.Ethernet,
        Ppp or RawIp or Tunnel or Tunnel6 or Sit or IpGre or Ip6Gre or NoHeader => LinkHeader.None,
        _ => null,
    };

    public bool Includes(NodeDevice device)
    {
        if (HeaderOf(device) is null || Matches(_unwanted, device))
        {
            return false;
        }

        return Wanted.IsEmpty ? CarriesTraffic(device) : Matches(Wanted, device);
    }

    private static bool Matches(ImmutableArray<string> patterns, NodeDevice device) =>
        patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, device.Name, ignoreCase: false));

    private static bool CarriesTraffic(NodeDevice device) => device switch
    {
        // These lead nowhere, or show a copy of what is elsewhere.
        { Kind: "dummy" or "ifb" or "nlmon" or "vrf" or "vsockmon" or "netdevsim" } => false,
        { Name: IpvsDevice } => false,

        // What a bond's ports carry the bond itself shows as well, and once is enough. Not so a bridge: what goes from
        // port to port it does not show.
        { MasterKind: "bond" or "team" } => false,
        _ => true,
    };
}
