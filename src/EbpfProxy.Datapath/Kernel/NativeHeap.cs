namespace EbpfProxy.Datapath.Kernel;

/// <summary>The heap of libc, which libbpf has its memory from: tens of megabytes while programs are loaded, little later.</summary>
public static class NativeHeap
{
    /// <summary>Gives free pages back to the kernel, which libc keeps by itself. Returns whether there were any.</summary>
    public static bool Trim() => Libc.TrimHeap(0) != 0;
}
