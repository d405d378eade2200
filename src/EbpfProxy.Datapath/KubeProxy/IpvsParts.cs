using System.Text;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>
/// Finds what kube-proxy's mode ipvs has beside its rules: virtual servers, and the device that holds their addresses. A virtual server is
/// its, and not somebody else's, where that device holds its address, or where it is a node port of a service.
/// </summary>
internal static class IpvsParts
{
    private const string DeviceName = "kube-ipvs0";
    private const string DeviceKind = "dummy";
    private const ushort DeleteLink = 17;
    private const ushort LinkName = 3;
    private const int LinkLength = 16;
    private const int NoSuchDevice = 19;

    /// <param name="network">The node's devices and addresses.</param>
    /// <param name="isNodePort">Whether a port is a node port of a service.</param>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IEnumerable<KubeProxyPart> Find(NodeNetwork network, Func<ushort, Protocol, bool> isNodePort)
    {
        List<KubeProxyPart> parts = [];
        var servers = ReadServers(network, isNodePort);
        if (servers.Count > 0)
        {
            parts.Add(new KubeProxyPart("IPVS", $"{servers.Count} virtual servers", () => RemoveServers(servers)));
        }

        if (network.Devices.FirstOrDefault(IsIpvsDevice) is { } device)
        {
            int addresses = network.Addresses.Count(address => address.Device == device.Index);
            parts.Add(new KubeProxyPart($"device {DeviceName}", $"{addresses} addresses of services", RemoveDevice));
        }

        return parts;
    }

    /// <summary>How many connections IPVS has for kube-proxy.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static long CountConnections(NodeNetwork network, Func<ushort, Protocol, bool> isNodePort)
    {
        using var ipvs = new IpvsNetlink();
        return ReadServers(network, isNodePort).Sum(ipvs.CountConnections);
    }

    private static List<VirtualServer> ReadServers(NodeNetwork network, Func<ushort, Protocol, bool> isNodePort)
    {
        using var ipvs = new IpvsNetlink();
        int device = network.Devices.FirstOrDefault(IsIpvsDevice)?.Index ?? 0;
        var held = network.Addresses.Where(address => address.Device == device).Select(address => address.Address).ToHashSet();
        var local = network.LocalAddresses.Select(address => address.Address).ToHashSet();
        return
        [
            .. ipvs.ReadServers().Where(server => held.Contains(server.Address)
                || (local.Contains(server.Address) && isNodePort(server.Port, server.Protocol))),
        ];
    }

    private static void RemoveServers(List<VirtualServer> servers)
    {
        using var ipvs = new IpvsNetlink();
        servers.ForEach(ipvs.Delete);
    }

    private static bool IsIpvsDevice(NodeDevice device) => device is { Name: DeviceName, Kind: DeviceKind };

    private static void RemoveDevice()
    {
        using var socket = new NetlinkSocket();
        int error = socket.Do(
            DeleteLink, [.. new byte[LinkLength], .. NetlinkAttributes.Make(LinkName, [.. Encoding.ASCII.GetBytes(DeviceName), 0])]);
        if (error is not (0 or NoSuchDevice))
        {
            throw new IOException($"device {DeviceName}: {new NetlinkException(error).Message}");
        }
    }
}
