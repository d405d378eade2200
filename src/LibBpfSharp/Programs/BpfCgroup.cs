using System.Runtime.InteropServices;

namespace LibBpfSharp;

/// <summary>Asks what is attached to a cgroup, whoever attached it.</summary>
public static unsafe class BpfCgroup
{
    // BPF_CGROUP_MAX_PROGS of the kernel.
    private const int MaxPrograms = 64;

    /// <summary>The kernel's ids of the programs that are attached to a cgroup itself, in the order in which they run.</summary>
    /// <param name="path">The cgroup's folder in a cgroup v2 mount.</param>
    /// <param name="type">Where.</param>
    /// <exception cref="BpfException">The folder cannot be opened or is no cgroup, or the kernel refused.</exception>
    public static IReadOnlyList<uint> QueryPrograms(string path, BpfAttachType type)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string operation = $"query {AttachTypeText.Of(type)}";
        int cgroup = LibC.open(path, LibC.O_RDONLY | LibC.O_CLOEXEC);
        if (cgroup < 0)
        {
            throw new BpfException(operation, path, Marshal.GetLastPInvokeError());
        }

        try
        {
            uint* ids = stackalloc uint[MaxPrograms];
            uint count = MaxPrograms;
            uint flags;
            BpfException.ThrowIfFailed(LibBpf.bpf_prog_query(cgroup, (bpf_attach_type)type, 0, &flags, ids, &count), operation, path);
            return new ReadOnlySpan<uint>(ids, (int)count).ToArray();
        }
        finally
        {
            _ = LibC.close(cgroup);
        }
    }
}
