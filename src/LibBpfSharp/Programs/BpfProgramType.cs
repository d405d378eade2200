namespace LibBpfSharp;

/// <summary>The types of programs, numbered as in <c>enum bpf_prog_type</c>; later ones can be cast.</summary>
public enum BpfProgramType : uint
{
    /// <summary>No type; libbpf did not know the section's name.</summary>
    Unspecified = 0,

    /// <summary>A filter on a socket.</summary>
    SocketFilter = 1,

    /// <summary>A probe in the kernel or in a program.</summary>
    Kprobe = 2,

    /// <summary>Packets at a device's ingress or egress (clsact, tcx, netkit).</summary>
    SchedClassifier = 3,

    /// <summary>An action of traffic control.</summary>
    SchedAction = 4,

    /// <summary>A tracepoint.</summary>
    Tracepoint = 5,

    /// <summary>Packets before the stack sees them.</summary>
    Xdp = 6,

    /// <summary>A perf event.</summary>
    PerfEvent = 7,

    /// <summary>Packets of the sockets of a cgroup.</summary>
    CgroupSkb = 8,

    /// <summary>Creation, release and binding of a cgroup's sockets.</summary>
    CgroupSock = 9,

    /// <summary>Incoming packets of a route.</summary>
    LwtIn = 10,

    /// <summary>Outgoing packets of a route.</summary>
    LwtOut = 11,

    /// <summary>Packets of a route as they are sent.</summary>
    LwtXmit = 12,

    /// <summary>Events of a cgroup's TCP connections.</summary>
    SockOps = 13,

    /// <summary>Data of sockets in a socket map.</summary>
    SkSkb = 14,

    /// <summary>Use of devices by a cgroup.</summary>
    CgroupDevice = 15,

    /// <summary>Messages sent on sockets in a socket map.</summary>
    SkMsg = 16,

    /// <summary>A tracepoint with its arguments as they are.</summary>
    RawTracepoint = 17,

    /// <summary>Addresses that a cgroup's sockets bind, connect or send to.</summary>
    CgroupSockAddr = 18,

    /// <summary>Segment routing.</summary>
    LwtSeg6Local = 19,

    /// <summary>Infrared decoding.</summary>
    LircMode2 = 20,

    /// <summary>Choice within an SO_REUSEPORT group.</summary>
    SkReuseport = 21,

    /// <summary>Dissection of packets into flow keys.</summary>
    FlowDissector = 22,

    /// <summary>Use of sysctls by a cgroup.</summary>
    CgroupSysctl = 23,

    /// <summary>A raw tracepoint that may write its arguments.</summary>
    RawTracepointWritable = 24,

    /// <summary>getsockopt and setsockopt of a cgroup.</summary>
    CgroupSockOpt = 25,

    /// <summary>fentry, fexit, iterators and BTF tracepoints.</summary>
    Tracing = 26,

    /// <summary>A function of a struct_ops table.</summary>
    StructOps = 27,

    /// <summary>A replacement for a function of another program.</summary>
    Extension = 28,

    /// <summary>A hook of the security modules.</summary>
    Lsm = 29,

    /// <summary>Choice of the socket for an incoming connection or packet.</summary>
    SkLookup = 30,

    /// <summary>Run by user space.</summary>
    Syscall = 31,

    /// <summary>A hook of netfilter.</summary>
    Netfilter = 32,
}
