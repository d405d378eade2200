using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>Where the cgroup v2 hierarchy is mounted.</summary>
public static class CgroupRoot
{
    /// <summary>Finds the mount.</summary>
    /// <exception cref="IOException">There is none, or it shows only part of the hierarchy.</exception>
    public static string Find()
    {
        var mount = MountTable.Read().FirstOrDefault(mount => mount.Type == "cgroup2")
            ?? throw new IOException("no cgroup v2 hierarchy is mounted: mount -t cgroup2 none /sys/fs/cgroup");
        Validate(mount.Path);
        RefusePart(mount.Path);
        return mount.Path;
    }

    /// <exception cref="IOException">The folder is not one of a cgroup v2 hierarchy.</exception>
    public static void Validate(string path)
    {
        if (!File.Exists(Path.Combine(path, "cgroup.controllers")))
        {
            throw new IOException(
                $"{path} is not a cgroup v2 folder (`ip netns exec` hides the mount: nsenter --net does not)");
        }
    }

    /// <summary>
    /// Refuses the root of a cgroup namespace that was found, not named: it looks like the root of all, and programs attached
    /// there would see only part of the node. Of all cgroups only the true root has no <c>cgroup.type</c>
    /// (Documentation/admin-guide/cgroup-v2.rst). Where the node itself is a container (kind), that is its root, and is named.
    /// </summary>
    /// <exception cref="IOException">The folder is not a whole hierarchy.</exception>
    private static void RefusePart(string path)
    {
        if (File.Exists(Path.Combine(path, "cgroup.type")))
        {
            throw new IOException(
                $"{path} shows only part of the cgroup hierarchy (a cgroup namespace): mount the host's /sys/fs/cgroup into the " +
                $"container, or share the host's cgroup namespace; where the node itself is a container (kind): --cgroup-root={path}");
        }
    }

    /// <summary>The id by which links name a cgroup: the inode number of its folder.</summary>
    internal static ulong IdOf(string path)
    {
        const int currentFolder = -100;
        const uint inode = 0x100;
        const int inodeOffset = 32;
        Span<byte> status = stackalloc byte[256];
        return Libc.Statx(currentFolder, path, 0, inode, status) == 0
            ? MemoryMarshal.Read<ulong>(status[inodeOffset..])
            : throw new IOException($"stat {path}: {Libc.LastError}");
    }
}
