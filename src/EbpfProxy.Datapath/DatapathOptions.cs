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

    /// <summary>Whether a cluster IP that a device of the node holds is left to the stack while it does.</summary>
    public bool LeavesDeviceAddresses { get; init; } = true;

    public SocketOptions Sockets { get; init; } = new();

    /// <summary>The folder of all pins.</summary>
    public string PinRoot => PinRootOf(BpfFileSystem);

    public static string PinRootOf(string bpfFileSystem) => Path.Combine(bpfFileSystem, "ebpf-proxy");
}
