using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>A cgroup of one's own with children, removed with everything that runs in it.</summary>
public sealed class CgroupTree : IDisposable
{
    private readonly ScratchCgroup _root = new();
    private readonly List<string> _children = [];

    public string Path => _root.Path;

    public string AddChild(string name)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(path);
        _children.Add(path);
        return path;
    }

    public void Dispose()
    {
        // Kills below it, too.
        File.WriteAllText(System.IO.Path.Combine(Path, "cgroup.kill"), "1");
        foreach (string child in _children)
        {
            Eventually.Succeeds(() => Directory.Delete(child), TimeSpan.FromSeconds(10));
        }

        _root.Dispose();
    }
}
