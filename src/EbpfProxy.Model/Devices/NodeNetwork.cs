using System.Collections.Immutable;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Devices;

/// <summary>A default route: <paramref name="Device"/> leads to everywhere.</summary>
public sealed record DefaultRoute(IpFamily Family, int Device, uint Metric);

/// <summary>What the node's network namespace has at one time. Devices and addresses are in the kernel's order.</summary>
public sealed record NodeNetwork(
    ImmutableArray<NodeDevice> Devices, ImmutableArray<DeviceAddress> Addresses, ImmutableArray<DefaultRoute> DefaultRoutes)
{
    /// <summary>kube-proxy puts every cluster IP there, and that makes none of them the node's own.</summary>
    private const string IpvsDevice = "kube-ipvs0";

    public static NodeNetwork Empty { get; } = new([], [], []);

    /// <summary>The addresses that make a destination the node's own; loopback is not among them.</summary>
    public ImmutableArray<DeviceAddress> LocalAddresses { get; } = LocalOf(Devices, Addresses);

    /// <summary>Whether all bridges ask the rules for packets about what they pass on.</summary>
    public bool BridgesCallNetfilter { get; init; }

    /// <summary>The devices that lead to everywhere, the best first.</summary>
    public IEnumerable<int> UplinksOf(IpFamily family) =>
        DefaultRoutes.Where(route => route.Family == family).OrderBy(route => route.Metric).Select(route => route.Device).Distinct();

    public NodeDevice? FindDevice(int index) => Devices.FirstOrDefault(device => device.Index == index);

    /// <summary>Whether what goes from one port of a bridge to another is seen by no rule for packets, and this is such a port.</summary>
    public bool IsPortPastNetfilter(NodeDevice device) =>
        device.MasterKind == "bridge" && !BridgesCallNetfilter && FindDevice(device.Master) is { CallsNetfilter: false };

    /// <summary>The bridges that some of these devices are ports of.</summary>
    public IEnumerable<NodeDevice> BridgesOf(IEnumerable<NodeDevice> devices)
    {
        var bridges = devices.Where(device => device.MasterKind == "bridge").Select(device => device.Master).ToHashSet();
        return Devices.Where(device => bridges.Contains(device.Index));
    }

    private static ImmutableArray<DeviceAddress> LocalOf(ImmutableArray<NodeDevice> devices, ImmutableArray<DeviceAddress> addresses)
    {
        int ignored = devices.FirstOrDefault(device => device.Name == IpvsDevice)?.Index ?? 0;
        return [.. addresses.Where(address => address.Device != ignored && !address.Address.IsLoopback)];
    }
}
