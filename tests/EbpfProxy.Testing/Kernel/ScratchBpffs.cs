namespace EbpfProxy.Testing.Kernel;

/// <summary>A bpffs of one's own. What is pinned there goes with it.</summary>
public sealed class ScratchBpffs : IDisposable
{
    public ScratchBpffs()
    {
        Path = Directory.CreateTempSubdirectory("bpffs-").FullName;
        Syscalls.Mount("bpf", Path, "bpf");
    }

    /// <summary>The mount point.</summary>
    public string Path { get; }

    /// <summary>The path of a pin called <paramref name="name"/>.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        Syscalls.Unmount(Path);
        Directory.Delete(Path);
    }
}
