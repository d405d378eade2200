using System.Diagnostics;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>Keeps a folder of pins to one daemon; the kernel lets go of the lock when the process ends, however it ends.</summary>
internal sealed class FolderLock : IDisposable
{
    private const int RetryMilliseconds = 10;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _filePatience = TimeSpan.FromSeconds(10);

    private readonly int _fd;

    private FolderLock(int fd)
    {
        _fd = fd;
    }

    /// <summary>Takes the lock. Waits for a moment where it is held: a look at it (<see cref="IsTaken"/>) is short.</summary>
    /// <exception cref="IOException">Another process holds it; or the folder is gone, which that process may have removed meanwhile.</exception>
    public static FolderLock Take(string path) => Take(path, _patience);

    /// <summary>The same with another patience.</summary>
    internal static FolderLock Take(string path, TimeSpan patience)
    {
        var taken = Take(Open(path), patience, $"another ebpf-proxy is running with the pins in {path}");
        if (!taken.IsOfRemovedFolder)
        {
            return taken;
        }

        taken.Dispose();
        throw new IOException($"{path} was removed by another ebpf-proxy");
    }

    /// <summary>Takes the lock of a file that other programs know too, and waits for them.</summary>
    /// <exception cref="IOException">They do not let go of it.</exception>
    public static FolderLock TakeFile(string path) => Take(Open(path), _filePatience, $"another program holds {path}");

    private static FolderLock Take(int fd, TimeSpan longest, string failure)
    {
        var patience = Stopwatch.StartNew();
        while (Libc.Lock(fd, Libc.LockExclusive | Libc.LockNonBlocking) < 0)
        {
            if (patience.Elapsed > longest)
            {
                Libc.Close(fd);
                throw new IOException(failure);
            }

            Thread.Sleep(RetryMilliseconds);
        }

        return new FolderLock(fd);
    }

    /// <summary>Takes the lock; null where another process holds it.</summary>
    /// <exception cref="IOException">The folder cannot be opened.</exception>
    public static FolderLock? TryTake(string path)
    {
        int fd = Open(path);
        if (Libc.Lock(fd, Libc.LockExclusive | Libc.LockNonBlocking) == 0)
        {
            return new FolderLock(fd);
        }

        Libc.Close(fd);
        return null;
    }

    /// <summary>Whether a process holds the lock. Any number of processes may look at the same time.</summary>
    /// <exception cref="IOException">The folder cannot be opened.</exception>
    public static bool IsTaken(string path)
    {
        int fd = Open(path);
        bool isTaken = Libc.Lock(fd, Libc.LockShared | Libc.LockNonBlocking) < 0;
        Libc.Close(fd);
        return isTaken;
    }

    public void Dispose() => Libc.Close(_fd);

    /// <summary>Whether the folder was removed before it was locked; the kernel says so in the name of what is open (proc_pid_fd(5)).</summary>
    private bool IsOfRemovedFolder =>
        new FileInfo($"/proc/self/fd/{_fd}").LinkTarget?.EndsWith(" (deleted)", StringComparison.Ordinal) == true;

    private static int Open(string path)
    {
        int fd = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenCloseOnExec);
        return fd >= 0 ? fd : throw new IOException($"open {path}: {Libc.LastError}");
    }
}
