using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Model.Devices;

namespace EbpfProxy.Datapath;

/// <summary>What the packet path is told.</summary>
public sealed record PacketOptions
{
    public static PortRange DefaultMasqueradePorts { get; } = new(1024, 29999);

    public static PortRange DefaultNodePortRange { get; } = new(30000, 32767);

    /// <summary>Names and patterns of devices; empty for those that are found. See <see cref="DeviceSelection"/>.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Whether programs are attached by clsact also where the kernel has tcx.</summary>
    public bool UsesClsact { get; init; }

    /// <summary>How packets of pods of this node are told from others.</summary>
    public LocalTraffic LocalTraffic { get; init; } = LocalTraffic.Unknown;

    /// <summary>The ports that clients are masqueraded with; the node's own sockets are not given them.</summary>
    public PortRange MasqueradePorts { get; init; } = DefaultMasqueradePorts;

    /// <summary>Where node ports are, which the API server gives out. One beyond it costs two lookups more.</summary>
    public PortRange NodePortRange { get; init; } = DefaultNodePortRange;

    /// <summary>Whether all that goes to a cluster IP is masqueraded.</summary>
    public bool MasqueradesAll { get; init; }

    /// <summary>Whether under policy Cluster backends of this node see the client's own address.</summary>
    public bool PreservesClient { get; init; }

    /// <summary>Whether packets of connections may go around the stack.</summary>
    public FastPathMode FastPath { get; init; }

    public ConnectionTimeouts Timeouts { get; init; } = new();

    /// <summary>How many packets a second are answered with an error on each CPU.</summary>
    public uint RefusalsPerSecond { get; init; } = 1000;

    /// <summary>How many connections there is room for; null for what the node's memory allows.</summary>
    public uint? Connections { get; init; }
}

/// <summary>After how long without a packet a connection is over. As nf_conntrack has it, with the changes that kube-proxy makes.</summary>
public sealed record ConnectionTimeouts
{
    /// <summary>Until the handshake is done.</summary>
    public TimeSpan TcpSyn { get; init; } = TimeSpan.FromMinutes(2);

    public TimeSpan TcpEstablished { get; init; } = TimeSpan.FromHours(24);

    /// <summary>After one side has sent its FIN.</summary>
    public TimeSpan TcpCloseWait { get; init; } = TimeSpan.FromHours(1);

    /// <summary>After both have.</summary>
    public TimeSpan TcpClosing { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>After an RST.</summary>
    public TimeSpan TcpClosed { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Until there is an answer.</summary>
    public TimeSpan Udp { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan UdpStream { get; init; } = TimeSpan.FromMinutes(2);

    public TimeSpan Sctp { get; init; } = TimeSpan.FromSeconds(210);
}
