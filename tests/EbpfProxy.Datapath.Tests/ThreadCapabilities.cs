using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Tests;

/// <summary>Capabilities are a thread's, and those that it starts have the same.</summary>
internal static partial class ThreadCapabilities
{
    /// <summary>Takes all from the calling thread, for good.</summary>
    public static void Drop()
    {
        // struct __user_cap_header_struct of version 3 for this thread, and two times no capability.
        ReadOnlySpan<int> header = [0x20080522, 0];
        ReadOnlySpan<int> none = [0, 0, 0, 0, 0, 0];
        Assert.Equal(0, Set(header, none));
    }

    [LibraryImport("libc", EntryPoint = "capset", SetLastError = true)]
    private static partial int Set(ReadOnlySpan<int> header, ReadOnlySpan<int> data);
}
