using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Model.Cluster;
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
            NodePortRange = options.NodePortRange,
            MasqueradesAll = options.MasqueradesAll,
            PreservesClient = options.PreservesClientAddress,
            FastPath = options.FastPath,
            Timeouts = options.Timeouts,
            Connections = options.MaxConnections,
        },
    };

    /// <summary>What services depend on of the node: its addresses are those that `run` was told of, else the object's.</summary>
    internal static NodeContext ContextOf(ProxyOptions options, string nodeName, ClusterNode? node)
    {
        IReadOnlyList<Address> told = [.. options.NodeIPs.Select(Address.From)];
        var nodeIPs = NodeIPs.Detect(told.Count > 0 ? told : node?.Addresses ?? [], Address.From(options.BindAddress));
        return new NodeContext(nodeName, node?.Zone ?? "", [.. new[] { nodeIPs.IPv4, nodeIPs.IPv6 }.Where(address => !address.IsLoopback)]);
    }

    internal static LocalTraffic LocalTrafficOf(ProxyOptions options, IReadOnlyList<Prefix> podPrefixes) => options.DetectLocalMode switch
    {
        DetectLocalMode.ClusterCidr => LocalTraffic.By(options.ClusterCidrs),
        DetectLocalMode.NodeCidr => LocalTraffic.By(podPrefixes),
        DetectLocalMode.BridgeInterface => LocalTraffic.By(LocalPodDevices.None with { Bridge = options.BridgeInterface }),
        DetectLocalMode.InterfaceNamePrefix => LocalTraffic.By(LocalPodDevices.None with { NamePrefix = options.InterfaceNamePrefix }),
    };
}
