namespace EbpfProxy.Datapath.Kernel;

/// <summary>A line of /proc/self/mounts; later ones cover earlier ones at the same path.</summary>
public sealed record MountEntry(string Path, string Type, bool IsReadOnly = false);

/// <summary>The mounts that this process sees.</summary>
public static class MountTable
{
    public static IReadOnlyList<MountEntry> Read() => Parse(File.ReadAllText("/proc/self/mounts"));

    /// <summary>Whether the file system that a path is on is mounted for reading only.</summary>
    public static bool IsReadOnly(string path) => Covering(path)?.IsReadOnly == true;

    /// <summary>The mount that a path is on.</summary>
    internal static MountEntry? Covering(string path)
    {
        string full = Path.GetFullPath(path);
        return Read()
            .Where(mount => full == mount.Path || full.StartsWith(mount.Path.TrimEnd('/') + '/', StringComparison.Ordinal))
            .MaxBy(mount => mount.Path.Length);
    }

    internal static IReadOnlyList<MountEntry> Parse(string text) => text
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(' '))
        .Where(fields => fields.Length >= 3)
        .Select(fields => new MountEntry(Unescape(fields[1]), fields[2], fields.Length > 3 && fields[3].Split(',').Contains("ro")))
        .Reverse()
        .DistinctBy(mount => mount.Path)
        .ToList();

    internal static string Unescape(string path) => path
        .Replace("\\040", " ", StringComparison.Ordinal)
        .Replace("\\011", "\t", StringComparison.Ordinal)
        .Replace("\\012", "\n", StringComparison.Ordinal)
        .Replace("\\134", "\\", StringComparison.Ordinal);
}
