using EbpfProxy.Datapath.Namespaces;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>One bit of a struct: the byte that it is in, and which of its bits.</summary>
internal readonly record struct StructBit(uint Offset, uint Mask);

/// <summary>What of the optional parts this kernel has.</summary>
/// <param name="HasSetRetval">Whether a hook can say which error connect() and sendto() return (bpf_set_retval, 5.18).</param>
/// <param name="HasMptcpSock">Whether a hook can tell a subflow of MPTCP (bpf_skc_to_mptcp_sock, 5.19).</param>
/// <param name="HasCoarseTime">Whether a program can have the time cheaply (bpf_ktime_get_coarse_ns, 5.11).</param>
/// <param name="HasChecksumIPv6">Whether a program can say that a checksum is one of IPv6 (BPF_F_IPV6, 6.16 and some before it).</param>
/// <param name="NodeNamespaceCookie">The cookie of this process's network namespace; 0 before 5.14, which cannot tell it.</param>
/// <param name="IsInitialNamespace">
/// Whether it is known without a cookie that this process is in the initial network namespace, as a node's is.
/// </param>
/// <param name="HasConntrackLookup">
/// Whether a program can ask connection tracking (bpf_skb_ct_lookup, 5.18, which is in a module on some kernels).
/// </param>
/// <param name="KernelSockets">Where <c>struct sock</c> says that the kernel owns a socket; null where that is not known.</param>
internal sealed record KernelFeatures(
    bool HasSetRetval,
    bool HasMptcpSock,
    bool HasCoarseTime,
    bool HasChecksumIPv6,
    ulong NodeNamespaceCookie,
    bool IsInitialNamespace,
    bool HasConntrackLookup,
    StructBit? KernelSockets)
{
    // What ipip, sit and gre devices take out of another packet begins with its own header from this kernel on.
    private static readonly Version _ownHeader = new(5, 14);

    // Kernels without cookies show this one in the initial namespace only.
    private const string InitialOnlySetting = "/proc/sys/net/core/netdev_max_backlog";

    public static KernelFeatures Probe()
    {
        ulong cookie = NetworkNamespaces.ReadCookie();
        using var types = KernelTypes.TryLoad();
        return new(
            HasHelper(bpf_func_id.BPF_FUNC_set_retval),
            HasHelper(bpf_func_id.BPF_FUNC_skc_to_mptcp_sock),
            BpfProbe.Helper(bpf_func_id.BPF_FUNC_ktime_get_coarse_ns, BpfProgramType.SchedClassifier) == BpfFeature.Available,
            BpfProbe.ChecksumIPv6 == BpfFeature.Available,
            cookie,
            IsInitialNamespace: cookie == 0 && File.Exists(InitialOnlySetting),
            types?.HasFunction("bpf_skb_ct_lookup", module: "nf_conntrack") ?? false,
            HasHelper(bpf_func_id.BPF_FUNC_skc_to_tcp_sock) ? FindKernelSockets(types) : null)
        {
            HasCurrentTask = HasHelper(bpf_func_id.BPF_FUNC_get_current_pid_tgid) && HasHelper(bpf_func_id.BPF_FUNC_get_current_comm),
            KeepsOuterHeader = Environment.OSVersion.Version < _ownHeader,
        };
    }

    /// <summary>Whether a hook can tell which process calls it (bpf_get_current_pid_tgid, bpf_get_current_comm).</summary>
    public bool HasCurrentTask { get; init; }

    /// <summary>
    /// Whether what comes in by ipip, sit and gre devices is shown to programs with the header that it came in before it
    /// (before 5.14). Where a kernel of an older number does not, they find that there is none.
    /// </summary>
    public bool KeepsOuterHeader { get; init; }

    private static StructBit? FindKernelSockets(KernelTypes? types)
    {
        return types?.FindMember("sock", "sk_kern_sock") is { IsBitField: true } bit ? new StructBit(bit.BitOffset / 8, 1u << (int)(bit.BitOffset % 8)) : null;
    }

    private static bool HasHelper(bpf_func_id helper) =>
        BpfProbe.Helper(helper, BpfProgramType.CgroupSockAddr, BpfAttachType.CgroupInet4Connect) == BpfFeature.Available;
}
