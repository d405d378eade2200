using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>
/// Finds libbpf. Distributions ship <c>libbpf.so.1</c>; the plain <c>libbpf.so</c>, which the runtime would look for, comes
/// only with the development package. A native build that links libbpf (<c>DirectPInvoke</c>) never asks here.
/// </summary>
internal static class LibBpfResolver
{
    private static readonly string[] Names = ["libbpf.so.1", "libbpf.so"];

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The resolver must be there before the first call, whichever type makes it.")]
    internal static void Install() => NativeLibrary.SetDllImportResolver(typeof(LibBpfResolver).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != "bpf")
        {
            return 0;
        }

        foreach (string candidate in Names)
        {
            if (NativeLibrary.TryLoad(candidate, assembly, searchPath, out nint library))
            {
                return library;
            }
        }

        return 0;
    }
}
