using LibBpfSharp;

namespace EbpfProxy.Datapath.Programs;

/// <summary>A program of bpf/sock_addr.bpf.c and the hook of the cgroup that it is attached to.</summary>
internal sealed record SocketHook(string Program, BpfAttachType AttachType)
{
    /// <summary>
    /// In the order of attaching and replacing: first what undoes a translation or cleans up after one, then what
    /// translates, so that nothing is ever translated that cannot be undone. Removal goes backwards.
    /// </summary>
    public static IReadOnlyList<SocketHook> All { get; } =
    [
        new("proxy_sock_release", BpfAttachType.CgroupInetSockRelease),
        new("proxy_recvmsg4", BpfAttachType.CgroupUdp4RecvMsg),
        new("proxy_recvmsg6", BpfAttachType.CgroupUdp6RecvMsg),
        new("proxy_getpeername4", BpfAttachType.CgroupInet4GetPeerName),
        new("proxy_getpeername6", BpfAttachType.CgroupInet6GetPeerName),
        new("proxy_connect4", BpfAttachType.CgroupInet4Connect),
        new("proxy_connect6", BpfAttachType.CgroupInet6Connect),
        new("proxy_sendmsg4", BpfAttachType.CgroupUdp4SendMsg),
        new("proxy_sendmsg6", BpfAttachType.CgroupUdp6SendMsg),
    ];

    /// <summary>Those that are attached only where node ports are reserved.</summary>
    public static IReadOnlyList<SocketHook> Guards { get; } =
    [
        new("proxy_bind4", BpfAttachType.CgroupInet4Bind),
        new("proxy_bind6", BpfAttachType.CgroupInet6Bind),
    ];

    /// <summary>Whether it only undoes a translation, or cleans up after one.</summary>
    public bool IsUndoing => AttachType is BpfAttachType.CgroupInetSockRelease or BpfAttachType.CgroupSockOps
        or BpfAttachType.CgroupUdp4RecvMsg or BpfAttachType.CgroupUdp6RecvMsg
        or BpfAttachType.CgroupInet4GetPeerName or BpfAttachType.CgroupInet6GetPeerName;

    /// <summary>Those that are attached only where bytes are counted; first, because what it does not hear of does not end.</summary>
    public static IReadOnlyList<SocketHook> Counters { get; } = [new("proxy_sock_ops", BpfAttachType.CgroupSockOps)];

    /// <summary>
    /// The pin of a counter that nothing new is counted by, for as long as there are connections whose end it shall hear of: they
    /// began when it was wanted.
    /// </summary>
    public string EndingPin => Program + "-ending";

    /// <summary>Those that only some settings need.</summary>
    public static IEnumerable<SocketHook> Optional => Counters.Concat(Guards);

    /// <summary>Those to attach, in order.</summary>
    public static IReadOnlyList<SocketHook> With(SocketOptions options) =>
        [.. options.CountsBytes ? Counters : [], .. All, .. options.ReservesNodePorts ? Guards : []];
}
