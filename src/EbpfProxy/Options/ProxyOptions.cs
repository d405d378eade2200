using System.Collections.Immutable;
using System.Net;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Options;

/// <summary>How traffic of local pods is told from other traffic.</summary>
internal enum DetectLocalMode
{
    ClusterCidr,
    NodeCidr,
    BridgeInterface,
    InterfaceNamePrefix,
}

/// <summary>The form of the log.</summary>
internal enum LogFormat
{
    Text,
    Json,
}

/// <summary>Which loopback addresses have node ports for the node itself.</summary>
internal enum LocalhostNodePorts
{
    /// <summary>What <c>iptables.localhostNodePorts</c> says, in the mode that it is for.</summary>
    AsKubeProxy,
    Off,
    Tcp4,
    All,
}

/// <summary>Everything that `run` can be told, with the defaults of kube-proxy where it has them.</summary>
internal sealed record ProxyOptions
{
    public const int DefaultHealthzPort = 10256;
    public const int DefaultMetricsPort = 10249;
    public const string IptablesMode = "iptables";
    public const string IpvsMode = "ipvs";
    public const string NftablesMode = "nftables";
    public const string OwnMode = "ebpf";
    public const string DefaultBpfFileSystem = "/sys/fs/bpf";
    public const string DefaultHostProc = "/proc";

    /// <summary>Null until it is asked of the system.</summary>
    public string? HostnameOverride { get; init; }

    public string? Kubeconfig { get; init; }

    public IReadOnlyList<Uri> Masters { get; init; } = [];

    public double Qps { get; init; } = 5;

    public int Burst { get; init; } = 10;

    public IPAddress BindAddress { get; init; } = IPAddress.Any;

    /// <summary>Null for the default, which follows the family of <see cref="BindAddress"/>; without a port it is 0.</summary>
    public IPEndPoint? HealthzBindAddress { get; init; }

    /// <inheritdoc cref="HealthzBindAddress"/>
    public IPEndPoint? MetricsBindAddress { get; init; }

    /// <summary>The deprecated flag: the port of an address that has none; 0 for no such server.</summary>
    public int HealthzPort { get; init; } = DefaultHealthzPort;

    /// <inheritdoc cref="HealthzPort"/>
    public int MetricsPort { get; init; } = DefaultMetricsPort;

    public bool BindAddressHardFail { get; init; }

    public IReadOnlyList<Prefix> ClusterCidrs { get; init; } = [];

    public DetectLocalMode DetectLocalMode { get; init; }

    public string BridgeInterface { get; init; } = "";

    public string InterfaceNamePrefix { get; init; } = "";

    /// <summary>Empty for all addresses of the node.</summary>
    public IReadOnlyList<Prefix> NodePortAddresses { get; init; } = [];

    /// <summary>Whether node ports answer on the node's own IPs only ("primary"); null where nothing is said.</summary>
    public bool? NodePortsOnPrimary { get; init; }

    /// <summary>kube-proxy's mode, of which only some defaults are left; empty for its default.</summary>
    public string Mode { get; init; } = "";

    /// <summary>Whether node ports answer on the node's own IPs only: with nftables and in our own mode also where nothing is said.</summary>
    public bool AreNodePortsOnPrimary => NodePortsOnPrimary ?? (NodePortAddresses.Count == 0 && Mode is NftablesMode or OwnMode);

    public ModeOptions Iptables { get; init; } = new();

    public ModeOptions Ipvs { get; init; } = new() { MinSyncPeriod = TimeSpan.Zero };

    public ModeOptions Nftables { get; init; } = new();

    /// <summary>What is not done within twice this time makes the proxy unhealthy.</summary>
    public TimeSpan SyncPeriod => ActiveMode.SyncPeriod;

    public TimeSpan MinSyncPeriod => ActiveMode.MinSyncPeriod;

    /// <summary>masqueradeAll of the mode; ipvs has that of iptables.</summary>
    public bool MasqueradesAll => (Mode == IpvsMode ? Iptables : ActiveMode).MasqueradesAll;

    /// <summary>Whether under policy Cluster backends of this node see the client's own address.</summary>
    public bool PreservesClientAddress { get; init; }

    /// <summary>Whether packets of connections may go around the stack.</summary>
    public FastPathMode FastPath { get; init; }

    /// <summary>The ports that clients are masqueraded with.</summary>
    public PortRange MasqueradePorts { get; init; } = PacketOptions.DefaultMasqueradePorts;

    /// <summary>The API server's, which it alone knows: the ports of node ports.</summary>
    public PortRange NodePortRange { get; init; } = PacketOptions.DefaultNodePortRange;

    /// <summary>What the kernel's connection tracking is told, and our own table of connections with it.</summary>
    public ConntrackOptions Conntrack { get; init; } = new();

    /// <summary>After how long without a packet a translated connection is over.</summary>
    public ConnectionTimeouts Timeouts => TimeoutsOf(Conntrack);

    /// <summary>How many connections the packet path has room for; null for what the node's memory allows.</summary>
    public uint? MaxConnections { get; init; }

    /// <summary>Whether the bytes of TCP sockets are counted by service.</summary>
    public bool CountsSocketBytes { get; init; }

    /// <summary>With how many service ports at most each has metrics of its own; with more none has.</summary>
    public int ServiceMetricsLimit { get; init; } = 1000;

    /// <summary>Whether metrics are served on all addresses of the node, whatever <see cref="MetricsBindAddress"/> says.</summary>
    public bool OpensMetrics { get; init; }

    /// <summary>Whether the status page is served on other addresses than loopback, too.</summary>
    public bool OpensStatusPage { get; init; }

    /// <summary>kube-proxy's setting, for its mode iptables.</summary>
    public bool IptablesLocalhostNodePorts { get; init; } = true;

    public LocalhostNodePorts LocalhostNodePorts { get; init; }

    public SocketTranslation SocketTranslation { get; init; }

    public bool ReservesNodePorts { get; init; }

    /// <summary>Gates that were set, by name.</summary>
    public ImmutableSortedDictionary<string, bool> FeatureGates { get; init; } = ImmutableSortedDictionary.Create<string, bool>(StringComparer.Ordinal);

    /// <summary>Whether the external IPs of Services are theirs.</summary>
    public bool AllowsExternalIPs => FeatureGates.GetValueOrDefault(KubernetesGates.ExternalIPs, defaultValue: true);

    public int OomScoreAdjustment { get; init; } = -999;

    /// <summary>What means nothing here and is only shown, by the name of its setting.</summary>
    public ImmutableDictionary<string, object?> Unused { get; init; } = ImmutableDictionary.Create<string, object?>(StringComparer.Ordinal);

    public int Verbosity { get; init; }

    public LogFormat LogFormat { get; init; }

    /// <summary>Null for an API server.</summary>
    public string? Manifests { get; init; }

    /// <summary>Null where nothing is said.</summary>
    public bool? Takeover { get; init; }

    /// <summary>Whether what kube-proxy left is removed: manifests may have other services than it.</summary>
    public bool TakesOver => Takeover ?? Manifests is null;

    public string HostProc { get; init; } = DefaultHostProc;

    /// <summary>Null for the mount that /proc/mounts names.</summary>
    public string? CgroupRoot { get; init; }

    public string BpfFileSystem { get; init; } = DefaultBpfFileSystem;

    /// <summary>Whether a cluster IP is left to the stack while a device of the node holds it.</summary>
    public bool LeavesDeviceAddresses { get; init; } = true;

    /// <summary>Empty for the devices that are found.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Empty for those of the Node object.</summary>
    public IReadOnlyList<IPAddress> NodeIPs { get; init; } = [];

    /// <summary>The configuration file as it was read; null without one.</summary>
    public ReadFile? File { get; init; }

    public IPEndPoint Healthz => WithPort(HealthzBindAddress, IsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, HealthzPort, DefaultHealthzPort);

    /// <summary>Whether there is a health server at all.</summary>
    public bool ServesHealthz => HealthzPort != 0;

    public IPEndPoint Metrics =>
        WithPort(MetricsBindAddress, IsIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, MetricsPort, DefaultMetricsPort) is var address && OpensMetrics
            ? new IPEndPoint(IsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, address.Port)
            : address;

    private bool IsIPv6 => BindAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;

    private ModeOptions ActiveMode => Mode switch
    {
        NftablesMode or OwnMode => Nftables,
        IpvsMode => Ipvs,
        _ => Iptables,
    };

    /// <summary>The default address has a port already.</summary>
    private static IPEndPoint WithPort(IPEndPoint? address, IPAddress otherwise, int port, int defaultPort) =>
        address is { Port: 0 } ? new IPEndPoint(address.Address, port) : address ?? new IPEndPoint(otherwise, defaultPort);

    /// <summary>What is left as it is in the kernel has its default here.</summary>
    private static ConnectionTimeouts TimeoutsOf(ConntrackOptions conntrack)
    {
        var timeouts = new ConnectionTimeouts();
        return timeouts with
        {
            TcpEstablished = Or(conntrack.TcpEstablished, timeouts.TcpEstablished),
            TcpCloseWait = Or(conntrack.TcpCloseWait, timeouts.TcpCloseWait),
            Udp = Or(conntrack.Udp, timeouts.Udp),
            UdpStream = Or(conntrack.UdpStream, timeouts.UdpStream),
        };
    }

    private static TimeSpan Or(TimeSpan value, TimeSpan otherwise) => value > TimeSpan.Zero ? value : otherwise;
}
