using System.Globalization;
using EbpfProxy.Datapath.Kernel;

namespace EbpfProxy.Datapath.Namespaces;

/// <summary>
/// The files that stand for network namespaces: one of each process, and what is mounted to keep one without a process
/// (as <c>ip netns</c> and container runtimes do). What other mount and pid namespaces hide is not found.
/// </summary>
internal static class NamespaceFiles
{
    private const string Prefix = "net:[";

    /// <summary>One file for each network namespace, by its inode.</summary>
    public static Dictionary<ulong, string> Find()
    {
        var files = ParseMounts(File.ReadLines("/proc/self/mountinfo"));

        // A process may end, and its file with it: a mount is the better of the two.
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (!char.IsAsciiDigit(process[^1]) || !char.IsAsciiDigit(process["/proc/".Length]))
            {
                continue;
            }

            string path = process + "/ns/net";
            if (InodeOf(path) is { } inode)
            {
                files.TryAdd(inode, path);
            }
        }

        return files;
    }

    /// <summary>The mounts of network namespaces among the lines of a mountinfo file (proc(5)).</summary>
    internal static Dictionary<ulong, string> ParseMounts(IEnumerable<string> lines)
    {
        var files = new Dictionary<ulong, string>();
        foreach (string line in lines)
        {
            // 36 35 0:4 net:[4026532177] /run/netns/blue rw shared:1 - nsfs nsfs rw
            string[] fields = line.Split(' ');
            if (fields.Length > 4 && ParseName(fields[3]) is { } inode)
            {
                files.TryAdd(inode, MountTable.Unescape(fields[4]));
            }
        }

        return files;
    }

    internal static ulong? InodeOf(string path)
    {
        try
        {
            return ParseName(new FileInfo(path).LinkTarget);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process has ended, or is another user's.
            return null;
        }
    }

    /// <summary>Reads <c>net:[4026532177]</c>.</summary>
    private static ulong? ParseName(string? name) =>
        name is not null && name.StartsWith(Prefix, StringComparison.Ordinal) && name[^1] == ']'
            && ulong.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode)
            ? inode
            : null;
}
