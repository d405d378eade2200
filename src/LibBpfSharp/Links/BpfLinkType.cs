namespace LibBpfSharp;

/// <summary>The types of links, numbered as in <c>enum bpf_link_type</c>.</summary>
public enum BpfLinkType : uint
{
    /// <summary>No type.</summary>
    Unspecified = 0,

    /// <summary>A raw tracepoint.</summary>
    RawTracepoint = 1,

    /// <summary>fentry, fexit and BTF tracepoints.</summary>
    Tracing = 2,

    /// <summary>A cgroup.</summary>
    Cgroup = 3,

    /// <summary>An iterator.</summary>
    Iterator = 4,

    /// <summary>A network namespace.</summary>
    NetworkNamespace = 5,

    /// <summary>XDP on a device.</summary>
    Xdp = 6,

    /// <summary>A perf event.</summary>
    PerfEvent = 7,

    /// <summary>Several kprobes.</summary>
    KprobeMulti = 8,

    /// <summary>A struct_ops table.</summary>
    StructOps = 9,

    /// <summary>A hook of netfilter.</summary>
    Netfilter = 10,

    /// <summary>tcx on a device.</summary>
    Tcx = 11,

    /// <summary>Several uprobes.</summary>
    UprobeMulti = 12,

    /// <summary>A netkit device.</summary>
    Netkit = 13,

    /// <summary>A socket map.</summary>
    SockMap = 14,
}
