using System.Net.Sockets;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>What of the optional parts this kernel has.</summary>
/// <param name="HasSetRetval">Whether a hook can say which error connect() and sendto() return (bpf_set_retval, 5.18).</param>
/// <param name="HasMptcpSock">Whether a hook can tell a subflow of MPTCP (bpf_skc_to_mptcp_sock, 5.19).</param>
/// <param name="HasCoarseTime">Whether a program can have the time cheaply (bpf_ktime_get_coarse_ns, 5.11).</param>
/// <param name="HasChecksumIPv6">Whether a program can say that a checksum is one of IPv6 (BPF_F_IPV6, 6.16 and some before it).</param>
/// <param name="NodeNamespaceCookie">The cookie of this process's network namespace; 0 before 5.14, which cannot tell it.</param>
internal sealed record KernelFeatures(
    bool HasSetRetval, bool HasMptcpSock, bool HasCoarseTime, bool HasChecksumIPv6, ulong NodeNamespaceCookie)
{
    private const int SolSocket = 1;
    private const int SoNetnsCookie = 71;

    public static KernelFeatures Probe() => new(
        HasHelper(bpf_func_id.BPF_FUNC_set_retval),
        HasHelper(bpf_func_id.BPF_FUNC_skc_to_mptcp_sock),
        BpfProbe.Helper(bpf_func_id.BPF_FUNC_ktime_get_coarse_ns, BpfProgramType.SchedClassifier) == BpfFeature.Available,
        BpfProbe.ChecksumIPv6 == BpfFeature.Available,
        ReadNamespaceCookie());

    private static bool HasHelper(bpf_func_id helper) =>
        BpfProbe.Helper(helper, BpfProgramType.CgroupSockAddr, BpfAttachType.CgroupInet4Connect) == BpfFeature.Available;

    private static ulong ReadNamespaceCookie()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Span<byte> cookie = stackalloc byte[8];
        try
        {
            return socket.GetRawSocketOption(SolSocket, SoNetnsCookie, cookie) == 8 ? BitConverter.ToUInt64(cookie) : 0;
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
