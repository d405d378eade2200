namespace EbpfProxy.Datapath.Kernel;

/// <summary>A line of /proc/self/mounts; later ones cover earlier ones at the same path.</summary>
public sealed record MountEntry(string Path, string Type)
{
}

/// <summary>The mounts that this process sees.</summary>
public static class MountTable
{
    public static IReadOnlyList<MountEntry> Read() => Parse(File.ReadAllText("/proc/self/mounts"));

    internal static IReadOnlyList<MountEntry> Parse(string text) => text
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(' '))
        .Where(fields => fields.Length >= 3)
        .Select(fields => new MountEntry(Unescape(fields[1]), fields[2]))
        .Reverse()
        .DistinctBy(mount => mount.Path)
        .ToList();

    private static string Unescape(string path) => path
        .Replace("\\040", " ", StringComparison.Ordinal)
        .Replace("\\011", "\t", StringComparison.Ordinal)
        .Replace("\\012", "\n", StringComparison.Ordinal)
        .Replace("\\134", "\\", StringComparison.Ordinal);
}
