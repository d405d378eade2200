using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath;

/// <summary>Where the datapath lives on the node.</summary>
public sealed record DatapathOptions
{
    /// <summary>The cgroup (v2) whose sockets are translated: the root of the mount, for a node.</summary>
    public required string CgroupRoot { get; init; }

    /// <summary>A mounted BPF file system; the pins are in a folder of our own in it.</summary>
    public required string BpfFileSystem { get; init; }

    /// <summary>How many sockets with a service connection there is room for at first; the table grows before it is full.</summary>
    public uint InitialPeers { get; init; } = 32768;

    /// <summary>How many clients services with session affinity can remember at first; the table grows before it is full.</summary>
    public uint InitialAffinity { get; init; } = 4096;

    /// <summary>Whether a cluster IP that a device of the node holds is left to the stack while it does.</summary>
    public bool LeavesDeviceAddresses { get; init; } = true;

    /// <summary>Which addresses of the node answer on node ports.</summary>
    public NodePortAddresses NodePorts { get; init; } = NodePortAddresses.All;

    /// <summary>The node's own addresses, in order; empty for those of the Node object.</summary>
    public IReadOnlyList<Address> NodeIPs { get; init; } = [];

    /// <summary>kube-proxy's: decides the node IP of its family, unless it is unspecified.</summary>
    public Address BindAddress { get; init; } = Address.AnyOf(IpFamily.IPv4);

    public SocketOptions Sockets { get; init; } = new();

    /// <summary>What the packet path is told; null for none, which leaves the node's devices alone.</summary>
    public PacketOptions? Packets { get; init; }

    /// <summary>The folder of all pins.</summary>
    public string PinRoot => PinRootOf(BpfFileSystem);

    public static string PinRootOf(string bpfFileSystem) => Path.Combine(bpfFileSystem, "ebpf-proxy");
}
