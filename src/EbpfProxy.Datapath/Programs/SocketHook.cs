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

    /// <summary>Those to attach, in order.</summary>
    public static IReadOnlyList<SocketHook> With(bool guards) => guards ? [.. All, .. Guards] : All;
}
