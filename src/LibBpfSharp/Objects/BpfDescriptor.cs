using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LibBpfSharp;

/// <summary>
/// A file descriptor of a BPF map, program or link. Closing it, or the end of the process, lets the kernel free the object
/// unless something else holds it: a pin, another descriptor, a program that uses the map, a link that runs the program.
/// </summary>
public abstract unsafe class BpfDescriptor : SafeHandleMinusOneIsInvalid
{
    private protected BpfDescriptor(int descriptor)
        : base(ownsHandle: true)
    {
        SetHandle(descriptor);
    }

    /// <summary>The name that errors call this object by.</summary>
    public abstract string Name { get; }

    /// <summary>The word for this kind of object, in messages.</summary>
    private protected abstract string Kind { get; }

    /// <summary>
    /// Pins the object at <paramref name="path"/> in a bpffs: it then outlives the process, until the file is removed and nothing
    /// else holds it.
    /// </summary>
    /// <exception cref="BpfException">For example EEXIST, or EINVAL if the folder is not in a bpffs.</exception>
    public void Pin(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var lease = new HandleLease(this);
        fixed (byte* name = LibC.CString(path))
        {
            BpfException.ThrowIfFailed(LibBpf.bpf_obj_pin(lease.Descriptor, (sbyte*)name), $"pin {Kind}", Name, $"at {path}");
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.close((int)handle) == 0;

    private protected int DuplicateDescriptor() => Duplicate((int)handle, Kind, Name);

    internal static int Duplicate(int descriptor, string kind, string name)
    {
        int copy = LibC.fcntl(descriptor, LibC.F_DUPFD_CLOEXEC, 0);
        return copy >= 0 ? copy : throw new BpfException($"duplicate {kind}", name, Marshal.GetLastPInvokeError());
    }

    /// <summary>Opens the pin at <paramref name="path"/>, or returns -1 if nothing is there.</summary>
    private protected static int OpenPin(string path, string kind)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        int descriptor;
        fixed (byte* name = LibC.CString(path))
        {
            descriptor = LibBpf.bpf_obj_get((sbyte*)name);
        }

        if (descriptor == -LibC.ENOENT)
        {
            return -1;
        }

        BpfException.ThrowIfFailed(descriptor, $"open pinned {kind}", path);
        RequireKind(descriptor, path, kind);
        return descriptor;
    }

    private protected static int RequirePin(string path, string kind)
    {
        int descriptor = OpenPin(path, kind);
        return descriptor >= 0 ? descriptor : throw new BpfException($"open pinned {kind}", path, LibC.ENOENT);
    }

    private protected static string IdName(uint id) => string.Create(CultureInfo.InvariantCulture, $"id {id}");

    // The kernel hands out whatever is pinned there, and tells a map from a program only by the name of its anonymous inode.
    private static void RequireKind(int descriptor, string path, string kind)
    {
        string? inode = File.ResolveLinkTarget($"/proc/self/fd/{descriptor.ToString(CultureInfo.InvariantCulture)}", returnFinalTarget: false)?.Name;
        if (inode is null || inode.Contains(kind == "program" ? "prog" : kind, StringComparison.Ordinal))
        {
            return;
        }

        _ = LibC.close(descriptor);
        throw new InvalidDataException($"{path} is not a pinned {kind} but {inode}");
    }
}
