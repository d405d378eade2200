using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>Where a process runs: the network namespace that it sees, and the cgroup whose programs see its sockets.</summary>
public sealed record Place(string Cgroup, string NetworkNamespace)
{
    // The cgroup first: which one a socket belongs to is decided when it is made. Not `ip netns exec`, which mounts
    // another /sys without cgroups.
    private const string Enter = "echo $$ > \"$1/cgroup.procs\" && shift && exec nsenter --net=\"$@\"";

    public ShellResult Run(params IEnumerable<string> command) => Shell.Run(Enter, [Cgroup, NetworkNamespace, .. command]);

    public LineProcess Start(params IEnumerable<string> command) =>
        new(["bash", "-c", Enter, "bash", Cgroup, NetworkNamespace, .. command]);
}
