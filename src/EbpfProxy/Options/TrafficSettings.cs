using static EbpfProxy.Options.SettingShape;

namespace EbpfProxy.Options;

/// <summary>kube-proxy's settings of whose traffic goes where.</summary>
internal static class TrafficSettings
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("detect-local-mode", "detectLocalMode", Text, "how traffic of this node's pods is told from other traffic: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix",
            (o, v) => o with { DetectLocalMode = AsMode(o, v) })
            { Show = o => TextOf(o.DetectLocalMode), Words = ["ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"] },
        new("pod-bridge-interface", "detectLocal.bridgeInterface", Text, "for the mode BridgeInterface",
            (o, v) => o with { BridgeInterface = v.AsText() })
            { Show = o => o.BridgeInterface },
        new("pod-interface-name-prefix", "detectLocal.interfaceNamePrefix", Text, "for the mode InterfaceNamePrefix",
            (o, v) => o with { InterfaceNamePrefix = v.AsText() })
            { Show = o => o.InterfaceNamePrefix },
        new("cluster-cidr", "clusterCIDR", Text, "the pods' addresses, one prefix a family: what comes from elsewhere for a cluster IP is masqueraded",
            (o, v) => o with { ClusterCidrs = v.AsPrefixes() })
            { Show = o => string.Join(',', o.ClusterCidrs) },
        new("nodeport-addresses", "nodePortAddresses", List, "which addresses of the node answer on node ports: prefixes, or primary for the node IPs", NodePortAddresses)
            { Show = AddressesOf, Default = "all; in the modes nftables and ebpf primary" },
    ];

    private static IReadOnlyList<string>? AddressesOf(ProxyOptions options) =>
        options.NodePortsOnPrimary == true ? ["primary"]
        : options.NodePortAddresses.Count == 0 ? null
        : [.. options.NodePortAddresses.Select(prefix => prefix.ToString())];

    private static DetectLocalMode AsMode(ProxyOptions options, SettingValue value) => value.AsOneOf(
        options.DetectLocalMode,
        ("", DetectLocalMode.ClusterCidr),
        ("ClusterCIDR", DetectLocalMode.ClusterCidr),
        ("NodeCIDR", DetectLocalMode.NodeCidr),
        ("BridgeInterface", DetectLocalMode.BridgeInterface),
        ("InterfaceNamePrefix", DetectLocalMode.InterfaceNamePrefix));

    private static string TextOf(DetectLocalMode mode) => mode switch
    {
        DetectLocalMode.ClusterCidr => "ClusterCIDR",
        DetectLocalMode.NodeCidr => "NodeCIDR",
        DetectLocalMode.BridgeInterface => "BridgeInterface",
        DetectLocalMode.InterfaceNamePrefix => "InterfaceNamePrefix",
    };

    private static ProxyOptions NodePortAddresses(ProxyOptions options, SettingValue value) => value.AsList() is ["primary"]
        ? options with { NodePortsOnPrimary = true, NodePortAddresses = [] }
        : options with { NodePortsOnPrimary = null, NodePortAddresses = value.AsPrefixes() };
}
