using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>
/// The kernel, or libbpf, refused an operation. The message says operation, object and error in words, for example
/// <c>attach cgroup CgroupInet4Connect "proxy_connect4" to /sys/fs/cgroup: EPERM (Operation not permitted)</c>.
/// </summary>
public class BpfException : IOException
{
    /// <summary>Describes a failed operation.</summary>
    /// <param name="operation">What was tried, as a verb: <c>create map</c>.</param>
    /// <param name="objectName">The name of the map, program, link or object.</param>
    /// <param name="errno">The error number, positive.</param>
    /// <param name="target">Where to, with its preposition (<c>to eth0</c>), if the operation has a target.</param>
    /// <param name="details">What libbpf said about it, if it said something.</param>
    public BpfException(string operation, string objectName, int errno, string? target = null, string? details = null)
        : this(Describe(operation, objectName, errno, target, details), operation, objectName, errno)
    {
    }

    private protected BpfException(string message, string operation, string objectName, int errno)
        : base(message)
    {
        Operation = operation;
        ObjectName = objectName;
        Errno = errno;
    }

    /// <summary>What was tried: <c>create map</c>.</summary>
    public string Operation { get; }

    /// <summary>The name of the map, program, link or object.</summary>
    public string ObjectName { get; }

    /// <summary>The error number (positive, as in errno.h; 524 is the kernel's ENOTSUPP, 4000 and up are libbpf's own).</summary>
    public int Errno { get; }

    private protected static string Describe(string operation, string objectName, int errno, string? target, string? details)
    {
        string place = target is null ? "" : $" {target}";
        string reason = string.IsNullOrEmpty(details) ? "" : $"; {details}";
        return $"{operation} \"{objectName}\"{place}: {ErrnoText.Describe(errno)}{reason}";
    }

    [DoesNotReturn]
    internal static void Throw(string operation, string objectName, int result, string? target = null)
        => throw new BpfException(operation, objectName, -result, target);

    /// <summary>Throws if a libbpf call returned a negative error number.</summary>
    internal static void ThrowIfFailed(int result, string operation, string objectName, string? target = null)
    {
        if (result < 0)
        {
            Throw(operation, objectName, result, target);
        }
    }

    /// <summary>The error of a call that returned NULL. To be called right after it.</summary>
    internal static int LastError() => Marshal.GetLastSystemError();
}
