using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>What the programs are told before they are loaded.</summary>
internal sealed record NodeSettings
{
    /// <summary>The object file with the programs, beside the test assembly; null for that of the product.</summary>
    public string? Object { get; init; }

    /// <summary>Which sources of IPv4 are pods of this node; null for none that can be told.</summary>
    public Prefix? PodsV4 { get; init; }

    public Prefix? PodsV6 { get; init; }

    /// <summary>Whether pods are told by the device that they come in by.</summary>
    public bool TellsPodsByDevice { get; init; }

    public bool MasqueradesAll { get; init; }

    public bool PreservesClient { get; init; }

    public uint Connections { get; init; } = 256;

    public ushort FirstSourcePort { get; init; } = 20000;

    public ushort SourcePorts { get; init; } = 1000;

    /// <summary>The range that node ports are of.</summary>
    public ushort FirstNodePort { get; init; } = 3000;

    public ushort NodePorts { get; init; } = 100;

    public TimeoutsValue Timeouts { get; init; } =
        new(TcpSyn: 120, TcpEstablished: 86400, TcpCloseWait: 3600, TcpClosing: 120, TcpClosed: 10, Udp: 30, UdpStream: 120, Sctp: 210);

    /// <summary>Whether what connection tracking translates stands in a table, as on kernels whose programs cannot ask it.</summary>
    public bool FollowsConntrack { get; init; }

    /// <summary>Whether the kernel is taken for one before 6.16, which cannot be told that the sum over a packet of IPv6 stays.</summary>
    public bool TellsNoIPv6Sums { get; init; }

    public uint RefusalsPerSecond { get; init; } = 1000;
}
