namespace EbpfProxy.Datapath.Kernel;

/// <summary>Keeps a folder of pins to one daemon; the kernel lets go of the lock when the process ends, however it ends.</summary>
internal sealed class FolderLock : IDisposable
{
    private readonly int _fd;

    private FolderLock(int fd)
    {
        _fd = fd;
    }

    /// <exception cref="IOException">Another process holds it.</exception>
    public static FolderLock Take(string path)
    {
        int fd = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec);
        if (fd < 0)
        {
            throw new IOException($"open {path}: {Libc.LastError}");
        }

        if (Libc.Lock(fd, Libc.LockExclusive | Libc.LockNonBlocking) < 0)
        {
            Libc.Close(fd);
            throw new IOException($"another ebpf-proxy is running with the pins in {path}");
        }

        return new FolderLock(fd);
    }

    public void Dispose() => Libc.Close(_fd);
}
