using EbpfProxy.Datapath;
using EbpfProxy.Datapath.FastPath;

namespace EbpfProxy.Options;

/// <summary>All settings. kube-proxy's have its names.</summary>
internal static class Settings
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("kubeconfig", "clientConnection.kubeconfig", "Path of the kubeconfig; without it the pod's service account",
            (o, v) => o with { Kubeconfig = v.AsPath() }),
        new("master", null, "Address of the API server; may be given more than once, they are tried in turn",
            (o, v) => o with { Masters = v.AsServers() }) { CountsBesideFile = true },
        new("kube-api-qps", "clientConnection.qps", "Requests a second to the API server",
            (o, v) => v.AsDouble(o.Qps) is var qps && qps == 0 ? o : o with { Qps = qps }),
        new("kube-api-burst", "clientConnection.burst", "Requests at once to the API server",
            (o, v) => v.AsInt(0, o.Burst) is var burst && burst == 0 ? o : o with { Burst = burst }),
        new("hostname-override", "hostnameOverride", "Name of this node, instead of the host's",
            (o, v) => o with { HostnameOverride = v.Texts.Count == 0 || v.AsText().Length == 0 ? o.HostnameOverride : v.AsText() })
            { CountsBesideFile = true },
        new("bind-address", "bindAddress", "Decides the family of the default addresses below",
            (o, v) => o with { BindAddress = v.AsAddress(o.BindAddress) }),
        new("healthz-bind-address", "healthzBindAddress", "Where /healthz, /livez and /readyz are served [0.0.0.0:10256]",
            (o, v) => o with { HealthzBindAddress = v.AsEndPoint(ProxyOptions.HealthzPort) ?? o.HealthzBindAddress }),
        new("metrics-bind-address", "metricsBindAddress", "Where /metrics is served [127.0.0.1:10249]",
            (o, v) => o with { MetricsBindAddress = v.AsEndPoint(ProxyOptions.MetricsPort) ?? o.MetricsBindAddress }),
        new("bind-address-hard-fail", "bindAddressHardFail", "Stop if one of these addresses cannot be had",
            (o, v) => o with { BindAddressHardFail = v.AsBool(o.BindAddressHardFail) }) { IsSwitch = true },
        new("cluster-cidr", "clusterCIDR", "Addresses of pods, one prefix a family",
            (o, v) => o with { ClusterCidrs = v.AsPrefixes() }),
        new("detect-local-mode", "detectLocalMode", "ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix",
            (o, v) => o with { DetectLocalMode = AsMode(o, v) }),
        new("pod-bridge-interface", "detectLocal.bridgeInterface", "For --detect-local-mode=BridgeInterface",
            (o, v) => o with { BridgeInterface = v.AsText() }),
        new("pod-interface-name-prefix", "detectLocal.interfaceNamePrefix", "For --detect-local-mode=InterfaceNamePrefix",
            (o, v) => o with { InterfaceNamePrefix = v.AsText() }),
        new("nodeport-addresses", "nodePortAddresses", "Addresses that node ports answer on, as prefixes or \"primary\"", NodePortAddresses),
        new("proxy-mode", "mode", "kube-proxy's mode; of it only some defaults are left",
            (o, v) => o with { Mode = v.AsOneOf(o.Mode, ("", ""), ("iptables", "iptables"), ("ipvs", "ipvs"), ("nftables", ProxyOptions.NftablesMode)) }),
        new("iptables-localhost-nodeports", "iptables.localhostNodePorts", "Node ports on 127.0.0.1 for the node itself, in mode iptables [true]",
            (o, v) => o with { IptablesLocalhostNodePorts = v.AsBool(o.IptablesLocalhostNodePorts) }) { IsSwitch = true },
        new("localhost-node-ports", "localhostNodePorts", "Instead: off, tcp4 (127.0.0.0/8 by TCP) or all (::1 and UDP as well)",
            (o, v) => o with { LocalhostNodePorts = AsLocalhost(o, v) }) { CountsBesideFile = true, IsOurs = true },
        new("socket-translation", "socketTranslation", "Whose sockets are translated: all, host (not pods) or off; packets are for the others [all]",
            (o, v) => o with { SocketTranslation = AsTranslation(o, v) }) { CountsBesideFile = true, IsOurs = true },
        new("reserve-node-ports", "reserveNodePorts", "Refuse a process of the node itself to bind to a node port [false]",
            (o, v) => o with { ReservesNodePorts = v.AsBool(o.ReservesNodePorts) }) { CountsBesideFile = true, IsOurs = true, IsSwitch = true },
        new("masquerade-all", null, "Masquerade all that goes to a cluster IP",
            MasqueradeAll) { IsSwitch = true },
        new(null, "iptables.masqueradeAll", "", (o, v) => o with { MasqueradesAllIptables = v.AsBool(o.MasqueradesAllIptables) }),
        new(null, "nftables.masqueradeAll", "", (o, v) => o with { MasqueradesAllNftables = v.AsBool(o.MasqueradesAllNftables) }),
        new("conntrack-tcp-timeout-established", "conntrack.tcpEstablishedTimeout", "How long a TCP connection may be idle [24h]",
            (o, v) => o with { Timeouts = o.Timeouts with { TcpEstablished = v.AsPositiveDuration(o.Timeouts.TcpEstablished) } }),
        new("conntrack-tcp-timeout-close-wait", "conntrack.tcpCloseWaitTimeout", "The same after one side has closed [1h]",
            (o, v) => o with { Timeouts = o.Timeouts with { TcpCloseWait = v.AsPositiveDuration(o.Timeouts.TcpCloseWait) } }),
        new("conntrack-udp-timeout", "conntrack.udpTimeout", "How long a UDP flow may be without an answer [30s]",
            (o, v) => o with { Timeouts = o.Timeouts with { Udp = v.AsPositiveDuration(o.Timeouts.Udp) } }),
        new("conntrack-udp-timeout-stream", "conntrack.udpStreamTimeout", "How long an answered UDP flow may be idle [2m]",
            (o, v) => o with { Timeouts = o.Timeouts with { UdpStream = v.AsPositiveDuration(o.Timeouts.UdpStream) } }),
        new("max-connections", "maxConnections", "How many connections the packet path has room for [by the node's memory]",
            (o, v) => o with { MaxConnections = (uint)v.AsInt(16, (int)(o.MaxConnections ?? 0)) is var count && count == 0 ? o.MaxConnections : count })
            { CountsBesideFile = true, IsOurs = true },
        new("iptables-sync-period", "iptables.syncPeriod", "What takes more than twice as long is unhealthy [30s]", SyncPeriod),
        new(null, "nftables.syncPeriod", "", SyncPeriod),
        new("v", "logging.verbosity", "Verbosity of the log: 4 tells of every change, 6 of every event",
            (o, v) => o with { Verbosity = v.AsInt(0, o.Verbosity) }) { CountsBesideFile = true },
        new("logging-format", "logging.format", "text or json",
            (o, v) => o with { LogFormat = v.AsOneOf(o.LogFormat, ("text", LogFormat.Text), ("json", LogFormat.Json)) })
            { CountsBesideFile = true },
        new("manifests", "manifests", "Folder of YAML to follow in the place of an API server",
            (o, v) => o with { Manifests = v.AsPath() }) { CountsBesideFile = true, IsOurs = true },
        new("cgroup-root", "cgroupRoot", "The cgroup whose sockets are translated [the cgroup v2 mount]",
            (o, v) => o with { CgroupRoot = v.AsPath() }) { CountsBesideFile = true, IsOurs = true },
        new("bpffs", "bpffs", "The BPF file system that keeps the tables; mounted if it is not [/sys/fs/bpf]",
            (o, v) => o with { BpfFileSystem = v.AsPath() ?? o.BpfFileSystem }) { CountsBesideFile = true, IsOurs = true },
        new("leave-device-addresses", "leaveDeviceAddresses",
            "Leave a cluster IP to the stack while a device of the node holds it, as a node-local DNS cache has it [true]",
            (o, v) => o with { LeavesDeviceAddresses = v.AsBool(o.LeavesDeviceAddresses) }) { CountsBesideFile = true, IsOurs = true, IsSwitch = true },
        new("preserve-client-address", "preserveClientAddress", "Under policy Cluster let backends of this node see the client's own address [false]",
            (o, v) => o with { PreservesClientAddress = v.AsBool(o.PreservesClientAddress) }) { CountsBesideFile = true, IsOurs = true, IsSwitch = true },
        new("fast-path", "fastPath", "Send packets of services around the stack: auto (where no rule or program of others could decide on them), on, off [auto]",
            (o, v) => o with { FastPath = v.AsOneOf(o.FastPath, ("auto", FastPathMode.Auto), ("on", FastPathMode.On), ("off", FastPathMode.Off)) })
            { CountsBesideFile = true, IsOurs = true },
        new("masquerade-ports", "masqueradePorts", "Ports that clients are masqueraded with; kept from the node's own sockets [1024-29999]",
            (o, v) => o with { MasqueradePorts = v.AsPorts(o.MasqueradePorts) }) { CountsBesideFile = true, IsOurs = true },
        new("service-node-port-range", "serviceNodePortRange", "The range of node ports, as the API server has it [30000-32767]",
            (o, v) => o with { NodePortRange = v.AsPorts(o.NodePortRange) }) { CountsBesideFile = true, IsOurs = true },
        new("devices", "devices", "Network devices that packets enter and leave the node by: names, patterns (eth*), exclusions (!docker0) [found]",
            (o, v) => o with { Devices = v.AsList() }) { CountsBesideFile = true, IsOurs = true },
        new("node-ip", "nodeIPs", "Addresses of this node [those of the Node object]",
            (o, v) => o with { NodeIPs = v.AsAddresses() }) { CountsBesideFile = true, IsOurs = true },
    ];

    /// <summary>
    /// kube-proxy's flags that mean nothing here, and whether they may stand without a value: they are about tools that
    /// are not used, or tune what is not there. An existing DaemonSet may go on to give them.
    /// </summary>
    public static IReadOnlyDictionary<string, bool> IgnoredFlags { get; } = new Dictionary<string, bool>
    {
        ["boot-id-file"] = false,
        ["config-sync-period"] = false,
        ["conntrack-max-per-core"] = false,
        ["conntrack-min"] = false,
        ["conntrack-tcp-be-liberal"] = true,
        ["feature-gates"] = false,
        ["healthz-port"] = false,
        ["iptables-masquerade-bit"] = false,
        ["iptables-min-sync-period"] = false,
        ["ipvs-exclude-cidrs"] = false,
        ["ipvs-min-sync-period"] = false,
        ["ipvs-scheduler"] = false,
        ["ipvs-strict-arp"] = true,
        ["ipvs-sync-period"] = false,
        ["ipvs-tcp-timeout"] = false,
        ["ipvs-tcpfin-timeout"] = false,
        ["ipvs-udp-timeout"] = false,
        ["kube-api-content-type"] = false,
        ["log-flush-frequency"] = false,
        ["log-json-info-buffer-size"] = false,
        ["log-json-split-stream"] = true,
        ["log-text-info-buffer-size"] = false,
        ["log-text-split-stream"] = true,
        ["machine-id-file"] = false,
        ["metrics-port"] = false,
        ["oom-score-adj"] = false,
        ["profiling"] = true,
        ["show-hidden-metrics-for-version"] = false,
        ["vmodule"] = false,
    };

    /// <summary>kube-proxy's fields, or groups of them, that mean nothing here.</summary>
    public static IReadOnlyList<string> IgnoredPaths { get; } =
    [
        "clientConnection.acceptContentTypes", "clientConnection.contentType", "configSyncPeriod", "conntrack", "enableProfiling",
        "featureGates", "iptables", "ipvs", "logging", "nftables", "oomScoreAdj", "portRange", "showHiddenMetricsForVersion",
        "windowsRunAsService", "winkernel",
    ];

    private static DetectLocalMode AsMode(ProxyOptions options, SettingValue value) => value.AsOneOf(
        options.DetectLocalMode,
        ("", DetectLocalMode.ClusterCidr),
        ("ClusterCIDR", DetectLocalMode.ClusterCidr),
        ("NodeCIDR", DetectLocalMode.NodeCidr),
        ("BridgeInterface", DetectLocalMode.BridgeInterface),
        ("InterfaceNamePrefix", DetectLocalMode.InterfaceNamePrefix));

    private static ProxyOptions MasqueradeAll(ProxyOptions options, SettingValue value)
    {
        bool all = value.AsBool(options.MasqueradesAll);
        return options with { MasqueradesAllIptables = all, MasqueradesAllNftables = all };
    }

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

    private static ProxyOptions NodePortAddresses(ProxyOptions options, SettingValue value) => value.AsList() is ["primary"]
        ? options with { NodePortsOnPrimary = true, NodePortAddresses = [] }
        : options with { NodePortsOnPrimary = null, NodePortAddresses = value.AsPrefixes() };

    private static ProxyOptions SyncPeriod(ProxyOptions options, SettingValue value) =>
        options with { SyncPeriod = value.AsPositiveDuration(options.SyncPeriod) };
}
