using EbpfProxy.Datapath;
using EbpfProxy.Datapath.FastPath;
using static EbpfProxy.Options.SettingShape;

namespace EbpfProxy.Options;

/// <summary>What kube-proxy does not have. These flags count beside a configuration file.</summary>
internal static class OwnSettings
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        Own("manifests", "manifests", Text, "none", "a folder of YAML to follow, in the place of an API server",
            (o, v) => o with { Manifests = v.AsPath() },
            o => o.Manifests) with { ValueName = ValueNames.Folder },
        Own("cgroup-root", "cgroupRoot", Text, "the cgroup v2 mount", "the cgroup whose sockets are translated",
            (o, v) => o with { CgroupRoot = v.AsPath() },
            o => o.CgroupRoot) with { ValueName = ValueNames.Folder },
        Own("bpffs", "bpffs", Text, ProxyOptions.DefaultBpfFileSystem, "the BPF file system of the pins; mounted if it is not",
            (o, v) => o with { BpfFileSystem = v.AsPath() ?? o.BpfFileSystem },
            o => o.BpfFileSystem) with { ValueName = ValueNames.Folder },
        Own("devices", "devices", List, "found", "where packets enter and leave the node: names, patterns (eth*), exclusions (!docker0); while the node has none of those that are named the daemon is not ready",
            (o, v) => o with { Devices = v.AsList() },
            o => o.Devices),
        Own("node-ip", "nodeIPs", List, "those of the Node object", "addresses of this node; the first of each family is its node IP",
            (o, v) => o with { NodeIPs = v.AsAddresses() },
            o => o.NodeIPs.Select(ip => ip.ToString())),
        Own("leave-device-addresses", "leaveDeviceAddresses", Switch, "true", "a cluster IP that a device holds is left to the stack while it does (a node-local DNS cache)",
            (o, v) => o with { LeavesDeviceAddresses = v.AsBool(o.LeavesDeviceAddresses) },
            o => o.LeavesDeviceAddresses),
        Own("preserve-client-address", "preserveClientAddress", Switch, "false", "under policy Cluster backends of this node see the client itself",
            (o, v) => o with { PreservesClientAddress = v.AsBool(o.PreservesClientAddress) },
            o => o.PreservesClientAddress),
        Own("fast-path", "fastPath", Text, "auto", "whether packets of services go around the stack: auto (where no rule or program of others could decide on them), on, off",
            (o, v) => o with { FastPath = v.AsOneOf(o.FastPath, ("auto", FastPathMode.Auto), ("on", FastPathMode.On), ("off", FastPathMode.Off)) },
            o => WordOf(o.FastPath)) with { Words = ["auto", "on", "off"] },
        Own("max-connections", "maxConnections", Integer, "by the node's memory", "how many flows tc has room for; counts when the table is made first",
            (o, v) => o with { MaxConnections = (uint)v.AsInt(16, (int)(o.MaxConnections ?? 0)) is var count && count == 0 ? o.MaxConnections : count },
            o => (int?)o.MaxConnections),
        Own("service-metrics-limit", "serviceMetricsLimit", Integer, "1000", "with how many service ports at most each has metrics of its own; with more, or 0, none has",
            (o, v) => o with { ServiceMetricsLimit = v.AsInt(0, o.ServiceMetricsLimit) },
            o => o.ServiceMetricsLimit),
        Own("open-metrics", "openMetrics", Switch, "false", "metrics are served on every address of the node, at the port of metricsBindAddress, whatever address that has",
            (o, v) => o with { OpensMetrics = v.AsBool(o.OpensMetrics) },
            o => o.OpensMetrics),
        Own("status-page", "statusPage", Switch, "false", "the status page is served on the metrics address whatever that is; else on loopback only",
            (o, v) => o with { OpensStatusPage = v.AsBool(o.OpensStatusPage) },
            o => o.OpensStatusPage),
        Own("socket-translation", "socketTranslation", Text, "all", "whose sockets are translated: all, host (not those of pods) or off; for the others packets are",
            (o, v) => o with { SocketTranslation = AsTranslation(o, v) },
            o => WordOf(o.SocketTranslation)) with { Words = ["all", "host", "off"] },
        Own("localhost-node-ports", "localhostNodePorts", Text, "as kube-proxy's mode", "node ports on loopback, for the node itself: off, tcp4 (127.0.0.0/8 by TCP) or all (::1 and UDP as well)",
            (o, v) => o with { LocalhostNodePorts = AsLocalhost(o, v) },
            o => o.LocalhostNodePorts == LocalhostNodePorts.AsKubeProxy ? null : WordOf(o.LocalhostNodePorts)) with { Words = ["off", "tcp4", "all"] },
        Own("reserve-node-ports", "reserveNodePorts", Switch, "false", "a process of the node itself cannot bind to a node port",
            (o, v) => o with { ReservesNodePorts = v.AsBool(o.ReservesNodePorts) },
            o => o.ReservesNodePorts),
        Own("socket-bytes", "socketBytes", Switch, "false", "count the bytes of TCP sockets by service when a connection ends; each takes some 1.5% longer by it",
            (o, v) => o with { CountsSocketBytes = v.AsBool(o.CountsSocketBytes) },
            o => o.CountsSocketBytes),
        Own("takeover", "takeover", Switch, "with an API server", "once kube-proxy has left this node and its last flows ended, remove its rules",
            (o, v) => o with { Takeover = v.AsBool(o.TakesOver) },
            o => o.Takeover),
        Own("host-proc", "hostProc", Text, ProxyOptions.DefaultHostProc, "where the processes of the node are seen, to tell whether kube-proxy is one",
            (o, v) => o with { HostProc = v.AsPath() ?? o.HostProc },
            o => o.HostProc) with { ValueName = ValueNames.Folder },
        Own("masquerade-ports", "masqueradePorts", Text, PacketOptions.DefaultMasqueradePorts.ToString(), "the ports that clients are masqueraded with; kept from the node's own sockets",
            (o, v) => o with { MasqueradePorts = v.AsPorts(o.MasqueradePorts) },
            o => o.MasqueradePorts.ToString()),
        Own("service-node-port-range", "serviceNodePortRange", Text, PacketOptions.DefaultNodePortRange.ToString(), "the API server's range of node ports, where connections are found soonest; must not overlap the ports above",
            (o, v) => o with { NodePortRange = v.AsPorts(o.NodePortRange) },
            o => o.NodePortRange.ToString()),
    ];

    private static Setting Own(
        string flag,
        string path,
        SettingShape shape,
        string otherwise,
        string help,
        Func<ProxyOptions, SettingValue, ProxyOptions> apply,
        Func<ProxyOptions, object?> show) =>
        new(flag, path, shape, help, apply) { CountsBesideFile = true, IsOurs = true, Default = otherwise, Show = show };

    private static string WordOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static LocalhostNodePorts AsLocalhost(ProxyOptions options, SettingValue value) => value.AsOneOf(
        options.LocalhostNodePorts,
        ("", LocalhostNodePorts.AsKubeProxy),
        ("off", LocalhostNodePorts.Off),
        ("tcp4", LocalhostNodePorts.Tcp4),
        ("all", LocalhostNodePorts.All));

    private static SocketTranslation AsTranslation(ProxyOptions options, SettingValue value) => value.AsOneOf(
        options.SocketTranslation,
        ("all", SocketTranslation.All),
        ("host", SocketTranslation.Host),
        ("off", SocketTranslation.Off));
}
