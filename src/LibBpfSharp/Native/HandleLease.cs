using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>Keeps a handle open for the length of a call, also against a Dispose on another thread.</summary>
internal readonly ref struct HandleLease
{
    private readonly SafeHandle _handle;

    public HandleLease(SafeHandle handle)
    {
        bool isAdded = false;
        handle.DangerousAddRef(ref isAdded);
        _handle = handle;
    }

    public int Descriptor => (int)_handle.DangerousGetHandle();

    public nint Pointer => _handle.DangerousGetHandle();

    public void Dispose() => _handle?.DangerousRelease();
}
