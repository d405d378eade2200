namespace LibBpfSharp;

/// <summary>Where a program attaches, numbered as in <c>enum bpf_attach_type</c>; others can be cast.</summary>
public enum BpfAttachType : uint
{
    /// <summary>Packets that come in to a cgroup's sockets.</summary>
    CgroupInetIngress = 0,

    /// <summary>Packets that leave a cgroup's sockets.</summary>
    CgroupInetEgress = 1,

    /// <summary>socket() of AF_INET and AF_INET6.</summary>
    CgroupInetSockCreate = 2,

    /// <summary>Events of TCP connections.</summary>
    CgroupSockOps = 3,

    /// <summary>Use of devices.</summary>
    CgroupDevice = 6,

    /// <summary>bind() to an IPv4 address.</summary>
    CgroupInet4Bind = 8,

    /// <summary>bind() to an IPv6 address.</summary>
    CgroupInet6Bind = 9,

    /// <summary>connect() to an IPv4 address.</summary>
    CgroupInet4Connect = 10,

    /// <summary>connect() to an IPv6 address, v4-mapped ones included.</summary>
    CgroupInet6Connect = 11,

    /// <summary>After bind() to an IPv4 address.</summary>
    CgroupInet4PostBind = 12,

    /// <summary>After bind() to an IPv6 address.</summary>
    CgroupInet6PostBind = 13,

    /// <summary>Unconnected UDP to an IPv4 address.</summary>
    CgroupUdp4SendMsg = 14,

    /// <summary>Unconnected UDP to an IPv6 address.</summary>
    CgroupUdp6SendMsg = 15,

    /// <summary>The flow dissector of a network namespace.</summary>
    FlowDissector = 17,

    /// <summary>Use of sysctls.</summary>
    CgroupSysctl = 18,

    /// <summary>The sender's address of received UDP, IPv4.</summary>
    CgroupUdp4RecvMsg = 19,

    /// <summary>The sender's address of received UDP, IPv6.</summary>
    CgroupUdp6RecvMsg = 20,

    /// <summary>getsockopt().</summary>
    CgroupGetSockOpt = 21,

    /// <summary>setsockopt().</summary>
    CgroupSetSockOpt = 22,

    /// <summary>Entry of a kernel function.</summary>
    TraceFEntry = 24,

    /// <summary>Return of a kernel function.</summary>
    TraceFExit = 25,

    /// <summary>An iterator over objects of the kernel.</summary>
    TraceIter = 28,

    /// <summary>getpeername() of an IPv4 socket.</summary>
    CgroupInet4GetPeerName = 29,

    /// <summary>getpeername() of an IPv6 socket.</summary>
    CgroupInet6GetPeerName = 30,

    /// <summary>getsockname() of an IPv4 socket.</summary>
    CgroupInet4GetSockName = 31,

    /// <summary>getsockname() of an IPv6 socket.</summary>
    CgroupInet6GetSockName = 32,

    /// <summary>close() of a socket.</summary>
    CgroupInetSockRelease = 34,

    /// <summary>Socket lookup of a network namespace.</summary>
    SkLookup = 36,

    /// <summary>XDP on a device.</summary>
    Xdp = 37,

    /// <summary>A hook of netfilter.</summary>
    Netfilter = 45,

    /// <summary>tcx, packets that come in to a device (6.6 and later).</summary>
    TcxIngress = 46,

    /// <summary>tcx, packets that leave a device (6.6 and later).</summary>
    TcxEgress = 47,

    /// <summary>The primary device of a netkit pair.</summary>
    NetkitPrimary = 54,

    /// <summary>The peer device of a netkit pair.</summary>
    NetkitPeer = 55,
}
