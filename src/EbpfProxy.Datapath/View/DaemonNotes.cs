namespace EbpfProxy.Datapath.View;

/// <summary>
/// What a daemon leaves for others to read, beside its pins: a text in the target of a symbolic link, which is what a BPF
/// file system can hold of it. So the text belongs to these pins whoever mounts them, outlives the daemon as they do, and
/// goes with them.
/// </summary>
public static class DaemonNotes
{
    /// <summary>How many bytes a text can have.</summary>
    public const int MaxLength = 4095;

    private const string Name = "daemon";

    /// <summary>Puts a text in the place of the one before, in one step.</summary>
    /// <exception cref="IOException">The kernel refuses it.</exception>
    public static void Write(string bpfFileSystem, string text)
    {
        string path = PathOf(bpfFileSystem);
        string next = path + "-next";
        File.Delete(next);
        File.CreateSymbolicLink(next, text);
        File.Move(next, path, overwrite: true);
    }

    /// <summary>The text that the last daemon left; null where there is none.</summary>
    public static string? Read(string bpfFileSystem) => new FileInfo(PathOf(bpfFileSystem)).LinkTarget;

    private static string PathOf(string bpfFileSystem) => Path.Combine(DatapathOptions.PinRootOf(bpfFileSystem), Name);
}
