using System.Globalization;
using EbpfProxy.Datapath.Programs;
using EbpfProxy.Datapath.Tables;

namespace EbpfProxy.Datapath;

/// <summary>
/// The folders of pins. What the controller writes, what sockets left behind, and the connections that the packet path
/// translates each have the version of their layout in the name: a build with another layout makes its own beside it, fills it, switches the programs, and only then
/// removes the old one. Until then a note says which is in use.
/// </summary>
internal sealed class PinLayout
{
    private const string TablesPrefix = "tables-v";
    private const string SocketsPrefix = "sockets-v";
    private const string ConnectionsPrefix = "connections-v";
    private const string InUse = "in-use";

    public PinLayout(string root, LayoutVersions versions)
    {
        Root = new PinFolder(root);
        Tables = new PinFolder(Path.Combine(root, TablesPrefix + versions.Tables));
        Sockets = new PinFolder(Path.Combine(root, SocketsPrefix + versions.Sockets));
        Connections = new PinFolder(Path.Combine(root, ConnectionsPrefix + versions.Connections));
        Links = new PinFolder(Path.Combine(root, "links"));
        Trace = new PinFolder(TraceOf(root));
    }

    /// <summary>The folder above the others.</summary>
    public PinFolder Root { get; }

    public PinFolder Tables { get; }

    public PinFolder Sockets { get; }

    public PinFolder Connections { get; }

    public PinFolder Links { get; }

    /// <summary>What is between the programs and one who traces, who holds its lock.</summary>
    public PinFolder Trace { get; }

    public static string TraceOf(string root) => Path.Combine(root, "trace");

    /// <summary>The folder of the tables that are in use, of whatever version; null where there is none.</summary>
    public static string? FindTables(string root) => FindUsed(root, TablesPrefix);

    /// <summary>The same for what sockets left behind.</summary>
    public static string? FindSockets(string root) => FindUsed(root, SocketsPrefix);

    /// <summary>The same for the connections of the packet path.</summary>
    public static string? FindConnections(string root) => FindUsed(root, ConnectionsPrefix);

    /// <summary>Removes the tables of other layouts, which no program reads any more.</summary>
    public void RemoveOtherVersions()
    {
        NoteUse();
        foreach (string path in Find(Root.Path, TablesPrefix).Where(path => path != Tables.Path)
            .Concat(Find(Root.Path, SocketsPrefix).Where(path => path != Sockets.Path))
            .Concat(Find(Root.Path, ConnectionsPrefix).Where(path => path != Connections.Path)))
        {
            PinFolder.Delete(path);
        }
    }

    /// <summary>Leaves a note of the folders that the programs use from now on, as <see cref="View.DaemonNotes"/> does.</summary>
    private void NoteUse()
    {
        string path = Root.PathOf(InUse);
        string text = string.Join(' ', new[] { Tables, Sockets, Connections }.Select(folder => Path.GetFileName(folder.Path)));
        if (new FileInfo(path).LinkTarget != text)
        {
            string next = path + "-next";
            try
            {
                File.Delete(next);
                File.CreateSymbolicLink(next, text);
                File.Move(next, path, overwrite: true);
            }
            catch (IOException)
            {
                // It is wanted only while there are others, which are removed now.
            }
        }
    }

    /// <summary>Of several the one that programs use: another build fills its own beside it, or did not come to that.</summary>
    private static string? FindUsed(string root, string prefix)
    {
        string[] folders = [.. Find(root, prefix)];
        string[] used = folders.Length > 1 ? new FileInfo(Path.Combine(root, InUse)).LinkTarget?.Split(' ') ?? [] : [];
        return folders.FirstOrDefault(folder => used.Contains(Path.GetFileName(folder))) ?? folders.LastOrDefault();
    }

    private static IEnumerable<string> Find(string root, string prefix) =>
        Directory.Exists(root) ? Directory.EnumerateDirectories(root, prefix + "*").OrderBy(path => VersionOf(path, prefix)) : [];

    private static uint VersionOf(string path, string prefix) =>
        uint.TryParse(Path.GetFileName(path.AsSpan())[prefix.Length..], NumberStyles.None, null, out uint version) ? version : 0;
}
