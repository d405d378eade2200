using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>A folder of pins below the BPF file system. What is pinned outlives the process; removing the pin lets go of it.</summary>
internal sealed class PinFolder
{
    public PinFolder(string path)
    {
        Path = path;
        Directory.CreateDirectory(path);
    }

    public string Path { get; }

    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    public bool Has(string name) => File.Exists(PathOf(name));

    public BpfMap? TryOpenMap(string name) => BpfMap.TryOpenPinned(PathOf(name));

    /// <summary>Pins a map in the place of another, in one step: whoever opens the name finds the one or the other.</summary>
    public void Replace(string name, BpfMap map)
    {
        string next = PathOf(name) + "-next";
        File.Delete(next);
        map.Pin(next);
        File.Move(next, PathOf(name), overwrite: true);
    }

    public void Remove(string name) => File.Delete(PathOf(name));

    /// <summary>Removes the folder and everything in it.</summary>
    public static void Delete(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
