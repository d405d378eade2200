using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Options;

namespace EbpfProxy.Daemon;

/// <summary>What the datapath is told, out of what `run` was told.</summary>
internal static class NodeOptions
{
    /// <param name="options">What `run` was told.</param>
    /// <param name="podPrefixes">This node's own prefixes of pods, for the mode that goes by them.</param>
    public static DatapathOptions Of(ProxyOptions options, IReadOnlyList<Prefix>? podPrefixes = null) => new()
    {
        CgroupRoot = options.CgroupRoot ?? CgroupRoot.Find(),
        BpfFileSystem = options.BpfFileSystem,
        LeavesDeviceAddresses = options.LeavesDeviceAddresses,
        NodePorts = new NodePortAddresses([.. options.NodePortAddresses], options.AreNodePortsOnPrimary),
        NodeIPs = [.. options.NodeIPs.Select(Address.From)],
        BindAddress = Address.From(options.BindAddress),
        Sockets = SocketSettings.From(options),
        Packets = new PacketOptions
        {
            Devices = options.Devices,
            LocalTraffic = LocalTrafficOf(options, podPrefixes ?? []),
            MasqueradePorts = options.MasqueradePorts,
            MasqueradesAll = options.MasqueradesAll,
            PreservesClient = options.PreservesClientAddress,
            FastPath = options.FastPath,
            Timeouts = options.Timeouts,
            Connections = options.MaxConnections,
        },
    };

    internal static LocalTraffic LocalTrafficOf(ProxyOptions options, IReadOnlyList<Prefix> podPrefixes) => options.DetectLocalMode switch
    {
        DetectLocalMode.ClusterCidr => LocalTraffic.By(options.ClusterCidrs),
        DetectLocalMode.NodeCidr => LocalTraffic.By(podPrefixes),
        DetectLocalMode.BridgeInterface => LocalTraffic.By(LocalPodDevices.None with { Bridge = options.BridgeInterface }),
        DetectLocalMode.InterfaceNamePrefix => LocalTraffic.By(LocalPodDevices.None with { NamePrefix = options.InterfaceNamePrefix }),
    };
}
