using System.Globalization;
using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>Error numbers in words. The numbers are those of x86, Arm, RISC-V and s390, which share them.</summary>
internal static class ErrnoText
{
    private const string Names =
        "0 EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV "
        + "ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG "
        + "ENOLCK ENOSYS ENOTEMPTY ELOOP";

    private static readonly string[] Low = Names.Split(' ');

    private static readonly Dictionary<int, string> High = new()
    {
        [61] = "ENODATA",
        [71] = "EPROTO",
        [75] = "EOVERFLOW",
        [84] = "EILSEQ",
        [95] = "EOPNOTSUPP",
        [97] = "EAFNOSUPPORT",
        [98] = "EADDRINUSE",
        [99] = "EADDRNOTAVAIL",
        [100] = "ENETDOWN",
        [101] = "ENETUNREACH",
        [105] = "ENOBUFS",
        [110] = "ETIMEDOUT",
        [111] = "ECONNREFUSED",
        [113] = "EHOSTUNREACH",
        [114] = "EALREADY",
        [115] = "EINPROGRESS",
        [116] = "ESTALE",
        [122] = "EDQUOT",
        [125] = "ECANCELED",
    };

    /// <summary>For example <c>EPERM (Operation not permitted)</c>.</summary>
    public static string Describe(int errno) => errno switch
    {
        524 => "ENOTSUPP (Operation not supported by the kernel)",
        4000 => "LIBBPF_ERRNO__LIBELF (Something wrong in libelf)",
        4001 => "LIBBPF_ERRNO__FORMAT (BPF object format invalid)",
        4002 => "LIBBPF_ERRNO__KVERSION (Kernel version incorrect or missing)",
        4003 => "LIBBPF_ERRNO__ENDIAN (Endianness mismatch)",
        4004 => "LIBBPF_ERRNO__INTERNAL (Internal error in libbpf)",
        4005 => "LIBBPF_ERRNO__RELOC (Relocation failed)",
        4006 => "LIBBPF_ERRNO__LOAD (Load of a program failed)",
        4007 => "LIBBPF_ERRNO__VERIFY (Kernel verifier blocks program loading)",
        4008 => "LIBBPF_ERRNO__PROG2BIG (Program too big)",
        4009 => "LIBBPF_ERRNO__KVER (Incorrect kernel version)",
        4010 => "LIBBPF_ERRNO__PROGTYPE (Kernel does not support this program type)",
        4011 => "LIBBPF_ERRNO__WRNGPID (Wrong pid in netlink message)",
        4012 => "LIBBPF_ERRNO__INVSEQ (Invalid netlink sequence)",
        4013 => "LIBBPF_ERRNO__NLPARSE (Netlink parsing error)",
        _ => string.Create(CultureInfo.InvariantCulture, $"{Name(errno)} ({Marshal.GetPInvokeErrorMessage(errno)})"),
    };

    private static string Name(int errno)
    {
        if (errno > 0 && errno < Low.Length)
        {
            return Low[errno];
        }

        return High.TryGetValue(errno, out string? name) ? name : string.Create(CultureInfo.InvariantCulture, $"errno {errno}");
    }
}
