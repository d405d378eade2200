namespace EbpfProxy.Datapath.Kernel;

/// <summary>The heap of libc, which libbpf has its memory from: tens of megabytes while programs are loaded, little later.</summary>
public static class NativeHeap
{
    // M_TRIM_THRESHOLD of <malloc.h>, and what it is until libc raises it.
    private const int TrimThreshold = -1;
    private const int TrimmedFrom = 128 * 1024;

    /// <summary>
    /// Gives back at once what becomes free at the end of a heap. Left alone, libc waits for more the larger the blocks
    /// were that it had to do with; and <see cref="Trim"/> does not reach that end of heaps other than the main thread's,
    /// where programs are loaded that a device needs later.
    /// </summary>
    public static void KeepLittle() => _ = Libc.SetHeapOption(TrimThreshold, TrimmedFrom);

    /// <summary>Gives free pages back to the kernel, which libc keeps by itself. Returns whether there were any.</summary>
    public static bool Trim() => Libc.TrimHeap(0) != 0;
}
