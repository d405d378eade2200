using Microsoft.Win32.SafeHandles;

namespace LibBpfSharp;

/// <summary>
/// Lets the kernel measure how often and how long every BPF program of the machine runs, as <c>kernel.bpf_stats_enabled</c>
/// does, until this is disposed or the process ends. <see cref="BpfProgramInfo"/> has the figures. It costs each run some
/// tens of nanoseconds.
/// </summary>
public sealed class BpfRunStatistics : SafeHandleMinusOneIsInvalid
{
    private BpfRunStatistics(int descriptor)
        : base(ownsHandle: true)
    {
        SetHandle(descriptor);
    }

    /// <summary>Begins to measure. Needs Linux 5.8.</summary>
    /// <exception cref="BpfException">For example EPERM, without CAP_SYS_ADMIN.</exception>
    public static BpfRunStatistics Enable()
    {
        int descriptor = LibBpf.bpf_enable_stats(bpf_stats_type.BPF_STATS_RUN_TIME);
        BpfException.ThrowIfFailed(descriptor, "enable statistics of", "run times");
        return new BpfRunStatistics(descriptor);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.close((int)handle) == 0;
}
