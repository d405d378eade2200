using System.Globalization;

namespace EbpfProxy.Datapath.Connections;

/// <summary>How many connections there is room for on a node.</summary>
internal static class ConnectionCapacity
{
    public const uint Least = 16384;
    public const uint Most = 524288;

    private const ulong KibibytesEach = 64;

    public static uint Of(ulong memoryKibibytes) => (uint)Math.Clamp(memoryKibibytes / KibibytesEach, Least, Most);

    public static uint OfThisNode() => Of(ReadMemory("/proc/meminfo"));

    /// <summary>MemTotal, in KiB; 0 where it is not told.</summary>
    internal static ulong ReadMemory(string path)
    {
        string? line = File.ReadLines(path).FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal));
        string number = line is null ? "" : line["MemTotal:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
        return ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ulong kibibytes) ? kibibytes : 0;
    }
}
