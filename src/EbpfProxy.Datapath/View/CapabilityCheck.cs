using EbpfProxy.Datapath.Kernel;

namespace EbpfProxy.Datapath.View;

/// <summary>Says of each capability that the daemon has in a container what falls away without it.</summary>
internal static class CapabilityCheck
{
    private static readonly Version _ownMemoryAccount = new(5, 11);

    public static IEnumerable<CheckRow> Run(Capabilities held, Version kernel)
    {
        bool isAdmin = held[Capabilities.SysAdmin];
        yield return StoodInFor(
            held[Capabilities.Bpf], isAdmin, "CAP_BPF", "maps and programs can be made", "no map and no program can be made");
        yield return StoodInFor(
            held[Capabilities.Perfmon], isAdmin, "CAP_PERFMON", "programs may read what the kernel points at", "the kernel refuses the programs");
        yield return held[Capabilities.NetAdmin]
            ? new CheckRow("CAP_NET_ADMIN", CheckState.Ok, "programs can be attached, rules of netfilter read")
            : new CheckRow("CAP_NET_ADMIN", CheckState.Missing, "programs cannot be attached to devices, and rules of netfilter not be read");
        yield return isAdmin
            ? new CheckRow("CAP_SYS_ADMIN", CheckState.Ok, "the network namespaces of pods can be entered, programs of others be looked at")
            : new CheckRow(
                "CAP_SYS_ADMIN",
                CheckState.Absent,
                "the network namespaces of pods cannot be entered: a pod's UDP socket that is connected keeps a backend that has gone, and " +
                "session affinity does not know whose a pod's sockets are. Programs of others cannot be looked at: flows go through the " +
                "stack. The BPF file system has to be mounted already");
        if (kernel < _ownMemoryAccount)
        {
            yield return held[Capabilities.SysResource]
                ? new CheckRow("CAP_SYS_RESOURCE", CheckState.Ok, "maps may be larger than the limit of locked memory")
                : new CheckRow("CAP_SYS_RESOURCE", CheckState.Absent, "before 5.11 maps are no larger than the limit of locked memory (ulimit -l), which is small");
        }
    }

    private static CheckRow StoodInFor(bool isHeld, bool isAdmin, string name, string with, string without) => (isHeld, isAdmin) switch
    {
        (true, _) => new CheckRow(name, CheckState.Ok, with),
        (false, true) => new CheckRow(name, CheckState.Absent, $"CAP_SYS_ADMIN stands in for it; without both {without}"),
        (false, false) => new CheckRow(name, CheckState.Missing, without),
    };
}
