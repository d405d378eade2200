namespace LibBpfSharp;

/// <summary>What a test run gets.</summary>
public readonly ref struct BpfTestRunOptions
{
    /// <summary>Options of a single run without a packet.</summary>
    public BpfTestRunOptions()
    {
    }

    /// <summary>The packet, from its Ethernet header on (14 bytes at least).</summary>
    public ReadOnlySpan<byte> Packet { get; init; }

    /// <summary>
    /// Whether the packet comes with the sum over it, as some devices give it (CHECKSUM_COMPLETE); the kernel answers EBADMSG where it is
    /// not the packet's any more after the run. BPF_F_TEST_SKB_CHECKSUM_COMPLETE of linux/bpf.h, from kernel 6.11 on.
    /// </summary>
    public bool IsChecksumComplete { get; init; }

    /// <summary>Where the packet goes after the last run. The kernel answers ENOSPC if it does not fit.</summary>
    public Span<byte> PacketOut { get; init; }

    /// <summary>The context, for example a <c>struct xdp_md</c>; empty for the default one.</summary>
    public ReadOnlySpan<byte> Context { get; init; }

    /// <summary>Where the context goes after the last run.</summary>
    public Span<byte> ContextOut { get; init; }

    /// <summary>How often to run; some types of program can be run once only, and want 0.</summary>
    public int Repeat { get; init; }
}

/// <summary>What a test run gave.</summary>
/// <param name="ReturnValue">What the program returned.</param>
/// <param name="NanosecondsPerRun">The mean time of a run.</param>
/// <param name="PacketLength">The length of the packet afterwards.</param>
/// <param name="ContextLength">The length of the context afterwards.</param>
public readonly record struct BpfTestRunResult(uint ReturnValue, uint NanosecondsPerRun, int PacketLength, int ContextLength);
