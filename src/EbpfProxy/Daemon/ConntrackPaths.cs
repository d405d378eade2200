using EbpfProxy.Datapath.Kernel;

namespace EbpfProxy.Daemon;

/// <summary>Where the kernel's connection tracking is told what to do.</summary>
internal sealed record ConntrackPaths
{
    public string Settings { get; init; } = "/proc/sys/net/netfilter";

    public string HashSize { get; init; } = "/sys/module/nf_conntrack/parameters/hashsize";

    public string Cpus { get; init; } = "/sys/devices/system/cpu/online";

    /// <summary>Whether a path is on a file system that is mounted for reading only, as containers have /proc/sys and /sys.</summary>
    public Func<string, bool> IsReadOnly { get; init; } = MountTable.IsReadOnly;
}
