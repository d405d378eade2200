using System.ComponentModel;
using System.Runtime.InteropServices;

namespace EbpfProxy.Testing.Kernel;

/// <summary>The system calls that the scratch fixtures need, with errors as exceptions.</summary>
internal static partial class Syscalls
{
    private const int DetachNow = 2;
    private const int NetworkNamespace = 0x40000000;

    public static void Mount(string source, string target, string type)
        => Require(mount(source, target, type, 0, 0), $"mount {type} at {target}");

    public static void Unmount(string target) => Require(umount2(target, DetachNow), $"unmount {target}");

    public static void EnterNetworkNamespace(SafeHandle file)
        => Require(setns((int)file.DangerousGetHandle(), NetworkNamespace), "enter network namespace");

    private static void Require(int result, string operation)
    {
        if (result < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new Win32Exception(error, $"{operation}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mount(string source, string target, string type, nuint flags, nint data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int umount2(string target, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int descriptor, int type);
}
