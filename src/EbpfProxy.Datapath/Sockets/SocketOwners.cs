using System.Globalization;

namespace EbpfProxy.Datapath.Sockets;

/// <summary>A process that has a socket open.</summary>
/// <param name="Pid">Its number, as the folder of processes has it.</param>
/// <param name="Command">Its name, of 15 characters at most.</param>
/// <param name="Cgroup">Its place in the tree of cgroup v2, which names the pod; empty where it has none.</param>
public sealed record SocketOwner(int Pid, string Command, string Cgroup);

/// <summary>Finds the processes that have sockets, by their open files (proc(5)).</summary>
internal static class SocketOwners
{
    private const string Prefix = "socket:[";
    private const string UnifiedCgroup = "0::";

    /// <summary>The first process that has each of those inodes; sockets that none has, or a hidden one, are left out.</summary>
    public static Dictionary<uint, SocketOwner> Find(IReadOnlySet<uint> inodes, string processes)
    {
        var owners = new Dictionary<uint, SocketOwner>();
        foreach (string process in inodes.Count == 0 ? [] : Directory.EnumerateDirectories(processes))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
            {
                continue;
            }

            try
            {
                SocketOwner? owner = null;
                foreach (uint inode in Sockets(process).Where(inode => inodes.Contains(inode) && !owners.ContainsKey(inode)).Distinct().ToList())
                {
                    owner ??= Read(process, pid);
                    owners.Add(inode, owner);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended, or is another user's.
            }
        }

        return owners;
    }

    /// <summary>The inode in <c>socket:[12345]</c>; null where a link names something else.</summary>
    internal static uint? ParseLink(string? link) =>
        link is not null && link.StartsWith(Prefix, StringComparison.Ordinal)
            && uint.TryParse(link.AsSpan(Prefix.Length, link.Length - Prefix.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint inode)
            ? inode
            : null;

    private static IEnumerable<uint> Sockets(string process)
    {
        foreach (string file in Directory.EnumerateFiles($"{process}/fd"))
        {
            if (ParseLink(LinkOf(file)) is { } inode)
            {
                yield return inode;
            }
        }
    }

    private static string? LinkOf(string file)
    {
        try
        {
            return new FileInfo(file).LinkTarget;
        }
        catch (IOException)
        {
            // Closed meanwhile.
            return null;
        }
    }

    private static SocketOwner Read(string process, int pid) => new(
        pid,
        File.ReadAllText($"{process}/comm").TrimEnd('\n'),
        File.ReadLines($"{process}/cgroup").FirstOrDefault(line => line.StartsWith(UnifiedCgroup, StringComparison.Ordinal))?[UnifiedCgroup.Length..] ?? "");
}
