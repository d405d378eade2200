using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using LibBpfSharp;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>
/// Looks for kube-proxy on this node, running or past. All is in the network namespace of the caller; nothing is kept
/// between calls, so that whoever takes away what is found can go on where another one ended.
/// </summary>
public static class KubeProxyOnNode
{
    /// <param name="bpfFileSystem">Where our pins are: our tables say what is a frontend. There need be none.</param>
    /// <param name="processes">The folder that shows the node's processes: /proc, or where that of the node is mounted.</param>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public static KubeProxyFindings Look(string bpfFileSystem, string processes)
    {
        var network = NodeNetworkWatcher.Read();
        string? tables = PinLayout.FindTables(DatapathOptions.PinRootOf(bpfFileSystem));
        using var map = tables is null ? null : BpfMap.TryOpenPinned(Path.Combine(tables, TableNames.Frontends));
        var frontends = map is null ? null : new BpfHashMap<FrontendKey, FrontendValue>(map);
        bool IsRow(Address address, ushort port, Protocol protocol) =>
            frontends?.TryGet(FrontendKey.From(address, port, protocol), out _) == true;
        bool IsNodePort(ushort port, Protocol protocol) =>
            IsRow(Address.AnyOf(IpFamily.IPv4), port, protocol) || IsRow(Address.AnyOf(IpFamily.IPv6), port, protocol);
        bool IsFrontend(Address address, ushort port, Protocol protocol) => IsRow(address, port, protocol) || IsNodePort(port, protocol);

        return new KubeProxyFindings(
            KubeProxyProcess.Find(processes),
            KubeProxyProcess.IsOfNode(processes),
            [.. NftablesParts.Find(), .. LegacyParts.Find(), .. IpSetParts.Find(), .. IpvsParts.Find(network, IsNodePort)],
            TranslatedFlows.Find(network.LocalAddresses.Select(address => address.Address).ToHashSet(), IsFrontend),
            IpvsParts.CountConnections(network, IsNodePort));
    }
}
