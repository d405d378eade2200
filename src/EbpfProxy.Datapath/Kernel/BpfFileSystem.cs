namespace EbpfProxy.Datapath.Kernel;

/// <summary>The file system that holds pins (type bpf).</summary>
public static class BpfFileSystem
{
    /// <summary>Mounts one at <paramref name="path"/> if there is none.</summary>
    /// <exception cref="IOException">The folder does not exist and cannot be made, or the kernel refuses the mount.</exception>
    public static void Ensure(string path)
    {
        if (IsMountedAt(path))
        {
            return;
        }

        Directory.CreateDirectory(path);
        if (Libc.Mount("bpf", path, "bpf", 0, "mode=0700") < 0)
        {
            throw new IOException($"mount a BPF file system at {path}: {Libc.LastError}");
        }
    }

    /// <summary>Whether one is mounted at <paramref name="path"/> or above it.</summary>
    public static bool IsMountedAt(string path) => MountTable.Covering(path)?.Type == "bpf";
}
