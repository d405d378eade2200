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
    public const int HealthzPort = 10256;
    public const int MetricsPort = 10249;
    public const string NftablesMode = "nftables";
    public const string DefaultBpfFileSystem = "/sys/fs/bpf";

    /// <summary>Null until it is asked of the system.</summary>
    public string? HostnameOverride { get; init; }

    public string? Kubeconfig { get; init; }

    public IReadOnlyList<Uri> Masters { get; init; } = [];

    public double Qps { get; init; } = 5;

    public int Burst { get; init; } = 10;

    public IPAddress BindAddress { get; init; } = IPAddress.Any;

    /// <summary>Null for the default, which follows the family of <see cref="BindAddress"/>.</summary>
    public IPEndPoint? HealthzBindAddress { get; init; }

    /// <inheritdoc cref="HealthzBindAddress"/>
    public IPEndPoint? MetricsBindAddress { get; init; }

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

    /// <summary>Whether node ports answer on the node's own IPs only: with nftables also where nothing is said.</summary>
    public bool AreNodePortsOnPrimary => NodePortsOnPrimary ?? (NodePortAddresses.Count == 0 && Mode == NftablesMode);

    /// <summary>masqueradeAll of the section of the mode.</summary>
    public bool MasqueradesAll => Mode == NftablesMode ? MasqueradesAllNftables : MasqueradesAllIptables;

    public bool MasqueradesAllIptables { get; init; }

    public bool MasqueradesAllNftables { get; init; }

    /// <summary>Whether under policy Cluster backends of this node see the client's own address.</summary>
    public bool PreservesClientAddress { get; init; }

    /// <summary>Whether packets of connections may go around the stack.</summary>
    public FastPathMode FastPath { get; init; }

    /// <summary>The ports that clients are masqueraded with.</summary>
    public PortRange MasqueradePorts { get; init; } = PacketOptions.DefaultMasqueradePorts;

    /// <summary>The API server's, which it alone knows: the ports of node ports.</summary>
    public PortRange NodePortRange { get; init; } = new(30000, 32767);

    /// <summary>After how long without a packet a translated connection is over.</summary>
    public ConnectionTimeouts Timeouts { get; init; } = new();

    /// <summary>How many connections the packet path has room for; null for what the node's memory allows.</summary>
    public uint? MaxConnections { get; init; }

    /// <summary>kube-proxy's setting, for its mode iptables.</summary>
    public bool IptablesLocalhostNodePorts { get; init; } = true;

    public LocalhostNodePorts LocalhostNodePorts { get; init; }

    public SocketTranslation SocketTranslation { get; init; }

    public bool ReservesNodePorts { get; init; }

    /// <summary>What is not done within twice this time makes the proxy unhealthy.</summary>
    public TimeSpan SyncPeriod { get; init; } = TimeSpan.FromSeconds(30);

    public int Verbosity { get; init; }

    public LogFormat LogFormat { get; init; }

    /// <summary>Null for an API server.</summary>
    public string? Manifests { get; init; }

    /// <summary>Null for the mount that /proc/mounts names.</summary>
    public string? CgroupRoot { get; init; }

    public string BpfFileSystem { get; init; } = DefaultBpfFileSystem;

    /// <summary>Whether a cluster IP is left to the stack while a device of the node holds it.</summary>
    public bool LeavesDeviceAddresses { get; init; } = true;

    /// <summary>Empty for the devices that are found.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Empty for those of the Node object.</summary>
    public IReadOnlyList<IPAddress> NodeIPs { get; init; } = [];

    public IPEndPoint Healthz => HealthzBindAddress ?? new IPEndPoint(IsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, HealthzPort);

    public IPEndPoint Metrics => MetricsBindAddress ?? new IPEndPoint(IsIPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, MetricsPort);

    private bool IsIPv6 => BindAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
}
