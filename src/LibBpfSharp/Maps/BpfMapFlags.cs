using System.Diagnostics.CodeAnalysis;

namespace LibBpfSharp;

/// <summary>Flags of a map, as <c>BPF_F_*</c>.</summary>
[Flags]
[SuppressMessage("Naming", "CA1711", Justification = "The kernel calls them so.")]
public enum BpfMapFlags : uint
{
    /// <summary>No flags.</summary>
    None = 0,

    /// <summary>Elements are allocated when they are put in (hash, needed for LPM).</summary>
    NoPreallocation = 1 << 0,

    /// <summary>Each CPU has an LRU list of its own.</summary>
    NoCommonLru = 1 << 1,

    /// <summary>Memory on a given NUMA node.</summary>
    NumaNode = 1 << 2,

    /// <summary>User space cannot write.</summary>
    ReadOnly = 1 << 3,

    /// <summary>User space cannot read.</summary>
    WriteOnly = 1 << 4,

    /// <summary>Stack traces by build id.</summary>
    StackBuildId = 1 << 5,

    /// <summary>The hash function has no random seed; for tests.</summary>
    ZeroSeed = 1 << 6,

    /// <summary>Programs cannot write.</summary>
    ReadOnlyProgram = 1 << 7,

    /// <summary>Programs cannot read.</summary>
    WriteOnlyProgram = 1 << 8,

    /// <summary>Storage is copied when a socket is cloned.</summary>
    Clone = 1 << 9,

    /// <summary>User space can map the array into its memory.</summary>
    MemoryMappable = 1 << 10,

    /// <summary>Perf events stay when their file is closed.</summary>
    PreserveElements = 1 << 11,

    /// <summary>An array whose size may differ from that of its fellows in a map of maps (5.10 and later).</summary>
    InnerMap = 1 << 12,
}
