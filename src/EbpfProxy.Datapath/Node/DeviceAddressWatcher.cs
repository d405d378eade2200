using EbpfProxy.Model.Network;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Node;

/// <summary>
/// Follows the addresses of the node's devices. A cluster IP that a device holds (a node-local DNS cache) is left to the
/// stack as long as it does; those on kube-ipvs0 do not count, kube-proxy puts every cluster IP there.
/// </summary>
public sealed class DeviceAddressWatcher(ILogger logger)
{
    private const string IpvsDevice = "kube-ipvs0";
    private const uint LinkGroup = 0x1;
    private const uint Ipv4Group = 0x10;
    private const uint Ipv6Group = 0x100;

    /// <summary>Calls <paramref name="changed"/> with all addresses, now and whenever they may have changed.</summary>
    public async Task RunAsync(Action<IReadOnlySet<Address>> changed, CancellationToken token)
    {
        using var events = new RouteNetlink(LinkGroup | Ipv4Group | Ipv6Group);
        while (!token.IsCancellationRequested)
        {
            var addresses = Read();
            Log.DeviceAddresses(logger, addresses.Count);
            changed(addresses);
            await events.WaitForChangeAsync(token);
        }
    }

    internal static HashSet<Address> Read()
    {
        // A socket of its own: on the one that events come to, they would mix with the answers.
        using var netlink = new RouteNetlink(groups: 0);
        var ignored = netlink.ReadDevices().Where(device => device.Name == IpvsDevice).Select(device => device.Index).ToHashSet();
        return netlink.ReadAddresses()
            .Where(address => !ignored.Contains(address.DeviceIndex) && !address.Address.IsLoopback)
            .Select(address => address.Address)
            .ToHashSet();
    }
}
