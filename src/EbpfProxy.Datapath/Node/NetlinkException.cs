using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Node;

/// <summary>The kernel refused a request.</summary>
internal sealed class NetlinkException(int errno, string what = "the kernel refuses a netlink request")
    : IOException($"{what}: {Marshal.GetPInvokeErrorMessage(errno)} ({errno})")
{
    /// <summary>EPROTONOSUPPORT.</summary>
    public const int ProtocolNotSupported = 93;

    private const int InvalidArgument = 22;

    public int Errno => errno;

    /// <summary>
    /// Whether it is the answer to a request that is well made because the part of netfilter that it is for is not there: a
    /// module that is not loaded, since nothing has wanted it so far (nfnetlink answers EINVAL).
    /// </summary>
    public bool LacksSubsystem => errno == InvalidArgument;
}
