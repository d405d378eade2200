using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Node;

/// <summary>The kernel refused a request.</summary>
internal sealed class NetlinkException(int errno, string what = "the kernel refuses a netlink request")
    : IOException($"{what}: {Marshal.GetPInvokeErrorMessage(errno)} ({errno})")
{
    /// <summary>EPROTONOSUPPORT.</summary>
    public const int ProtocolNotSupported = 93;

    /// <summary>EOPNOTSUPP.</summary>
    public const int OperationNotSupported = 95;

    private const int InvalidArgument = 22;

    public int Errno => errno;

    /// <summary>
    /// Whether it is the answer to a request that is well made because what it is for is not there: of netfilter a module that is
    /// not loaded, since nothing has wanted it so far, of IPsec what a later kernel has (both answer EINVAL).
    /// </summary>
    public bool LacksSubsystem => errno == InvalidArgument;
}
