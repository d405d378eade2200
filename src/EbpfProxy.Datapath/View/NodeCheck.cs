using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Stale;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>How a check came out.</summary>
public enum CheckState
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Not there; the proxy runs without it, at a cost.</summary>
    Absent,

    /// <summary>Not there, and the proxy cannot run without it.</summary>
    Missing,
}

/// <summary>One thing that the proxy needs or makes use of, and what it costs if it is not there.</summary>
public sealed record CheckRow(string Name, CheckState State, string Detail);

/// <summary>Asks the node what it offers. Changes nothing and leaves nothing behind.</summary>
public static class NodeCheck
{
    /// <param name="cgroupRoot">The cgroup whose sockets are translated; null for the mount.</param>
    /// <param name="bpfFileSystem">Where pins are.</param>
    /// <param name="devices">As --devices has them; empty for those that are found.</param>
    public static IReadOnlyList<CheckRow> Run(string? cgroupRoot, string bpfFileSystem, IReadOnlyList<string> devices) => Environment.IsPrivilegedProcess
        ? RunAsRoot(cgroupRoot, bpfFileSystem, devices)
        : [new CheckRow("root", CheckState.Missing, "loading BPF programs needs root, and so does asking what the kernel offers")];

    private static IReadOnlyList<CheckRow> RunAsRoot(string? cgroupRoot, string bpfFileSystem, IReadOnlyList<string> devices) =>
    [
        Try("kernel", () => KernelRelease()),
        .. CapabilityCheck.Run(Capabilities.Read(), KernelVersion().Version),
        File.Exists("/sys/kernel/btf/vmlinux")
            ? new CheckRow("kernel BTF", CheckState.Ok, "/sys/kernel/btf/vmlinux")
            : new CheckRow("kernel BTF", CheckState.Absent, "no CONFIG_DEBUG_INFO_BTF: see kernel sockets; tools show less"),
        Try("cgroup v2", () => Cgroup(cgroupRoot)),
        Try("BPF file system", () => BpfMount(bpfFileSystem)),
        Try("socket programs", LoadPrograms),
        .. Features(),
        .. NetworkCheck.Run(devices),
    ];

    private static string KernelRelease()
    {
        var (release, version) = KernelVersion();
        return version >= new Version(5, 10) ? release : throw new IOException($"{release} is older than 5.10");
    }

    private static (string Release, Version Version) KernelVersion()
    {
        string release = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        string[] numbers = release.Split('.', '-', '+');
        return (release, new Version(int.Parse(numbers[0], null), int.Parse(numbers[1], null)));
    }

    private static string BpfMount(string path)
    {
        if (BpfFileSystem.IsMountedAt(path))
        {
            return path;
        }

        return File.Exists(path)
            ? throw new IOException($"{path} is a file, not a folder to mount it at")
            : $"not mounted at {path} yet, `run` mounts it";
    }

    private static string Cgroup(string? root)
    {
        string path = root ?? CgroupRoot.Find();
        CgroupRoot.Validate(path);
        return path;
    }

    private static string LoadPrograms()
    {
        using var bpf = SocketObject.Open(SocketObject.Read(), KernelFeatures.Probe(), new SocketOptions());
        bpf.Load();
        return $"{SocketHook.All.Count + SocketHook.Guards.Count} programs pass the verifier";
    }

    private static IEnumerable<CheckRow> Features()
    {
        var features = KernelFeatures.Probe();
        yield return features.HasSetRetval
            ? new CheckRow("bpf_set_retval", CheckState.Ok, "a refused service is ECONNREFUSED for every call")
            : new CheckRow("bpf_set_retval", CheckState.Absent, "before 5.18: an unconnected sendto() to a refused service may see EPERM");
        yield return features.NodeNamespaceCookie != 0 || features.IsInitialNamespace
            ? new CheckRow("own namespace", CheckState.Ok, "the node's own sockets are told from those of pods")
            : new CheckRow(
                "own namespace",
                CheckState.Absent,
                "before 5.14 the node's own sockets are told from those of pods only if the node is the initial network namespace: " +
                "else no node ports on loopback, and socketTranslation host is like off");
        yield return features.KernelSockets is not null
            ? new CheckRow("kernel sockets", CheckState.Ok, "TCP of NFS, SMB and Ceph is told from that of processes and left to the packet path")
            : new CheckRow("kernel sockets", CheckState.Absent, "no kernel BTF: NFS, SMB and Ceph are translated at the socket, and each reconnect leaves a record");
        yield return SocketNetlink.FindFault() is { } fault
            ? new CheckRow(
                "closing sockets", CheckState.Absent, $"{fault}: a connected UDP socket whose backend left goes on asking it (CONFIG_INET_DIAG_DESTROY, CONFIG_INET_UDP_DIAG)")
            : new CheckRow("closing sockets", CheckState.Ok, "a connected UDP socket whose backend left is closed");
        yield return BpfProbe.Tcx == BpfFeature.Available
            ? new CheckRow("tcx", CheckState.Ok, "programs at devices can stand before those of others")
            : new CheckRow("tcx", CheckState.Absent, "before 6.6: clsact is used at devices");
    }

    private static CheckRow Try(string name, Func<string> check)
    {
        try
        {
            return new CheckRow(name, CheckState.Ok, check());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return new CheckRow(name, CheckState.Missing, e.Message);
        }
    }
}
