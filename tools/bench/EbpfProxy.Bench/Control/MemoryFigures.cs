using System.Globalization;

namespace EbpfProxy.Bench.Control;

/// <summary>What a process and the maps that it holds take, in KiB.</summary>
internal readonly record struct MemoryFigures(long Resident, long Proportional, long Peak, long Maps)
{
    public static MemoryFigures Of(int process)
    {
        string status = $"/proc/{process}/status";
        return new MemoryFigures(
            Field(status, "VmRSS:"), Field($"/proc/{process}/smaps_rollup", "Pss:"), Field(status, "VmHWM:"), MapBytes(process) / 1024);
    }

    private static long MapBytes(int process)
    {
        var maps = new Dictionary<long, long>();
        foreach (string path in Directory.EnumerateFiles($"/proc/{process}/fdinfo"))
        {
            if (Field(path, "map_id:") is > 0 and var id)
            {
                maps[id] = Field(path, "memlock:");
            }
        }

        return maps.Values.Sum();
    }

    /// <summary>The number behind a name at the beginning of a line; 0 where there is none.</summary>
    private static long Field(string path, string name)
    {
        foreach (string line in File.ReadLines(path))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
            {
                return long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
            }
        }

        return 0;
    }
}
