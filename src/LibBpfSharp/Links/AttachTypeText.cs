namespace LibBpfSharp;

/// <summary>Attach types as people call them: the name of the hook, as in a section's name.</summary>
internal static class AttachTypeText
{
    public static string Of(BpfAttachType type) => type switch
    {
        BpfAttachType.CgroupInet4Bind => "cgroup bind4",
        BpfAttachType.CgroupInet6Bind => "cgroup bind6",
        BpfAttachType.CgroupInet4Connect => "cgroup connect4",
        BpfAttachType.CgroupInet6Connect => "cgroup connect6",
        BpfAttachType.CgroupInet4PostBind => "cgroup post_bind4",
        BpfAttachType.CgroupInet6PostBind => "cgroup post_bind6",
        BpfAttachType.CgroupUdp4SendMsg => "cgroup sendmsg4",
        BpfAttachType.CgroupUdp6SendMsg => "cgroup sendmsg6",
        BpfAttachType.CgroupUdp4RecvMsg => "cgroup recvmsg4",
        BpfAttachType.CgroupUdp6RecvMsg => "cgroup recvmsg6",
        BpfAttachType.CgroupInet4GetPeerName => "cgroup getpeername4",
        BpfAttachType.CgroupInet6GetPeerName => "cgroup getpeername6",
        BpfAttachType.CgroupInet4GetSockName => "cgroup getsockname4",
        BpfAttachType.CgroupInet6GetSockName => "cgroup getsockname6",
        BpfAttachType.CgroupInetSockCreate => "cgroup sock_create",
        BpfAttachType.CgroupInetSockRelease => "cgroup sock_release",
        BpfAttachType.CgroupSockOps => "cgroup sockops",
        BpfAttachType.CgroupInetIngress => "cgroup ingress",
        BpfAttachType.CgroupInetEgress => "cgroup egress",
        BpfAttachType.TcxIngress => "tcx ingress",
        BpfAttachType.TcxEgress => "tcx egress",
        BpfAttachType.Xdp => "xdp",
        _ => type.ToString(),
    };
}
