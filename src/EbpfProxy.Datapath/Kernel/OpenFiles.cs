using System.Globalization;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>The open files of the machine, whatever namespace they are in. Every socket of a program is one.</summary>
internal static class OpenFiles
{
    private const int CountersBatch = 32;

    /// <summary>
    /// How many there are at the most: the first number of /proc/sys/fs/file-nr, and what older kernels leave out of it, which
    /// is a batch for each CPU.
    /// </summary>
    public static long CountAtMost()
    {
        int processors = Environment.ProcessorCount;
        string text = File.ReadAllText("/proc/sys/fs/file-nr");
        long count = long.Parse(text.AsSpan(0, text.IndexOf('\t', StringComparison.Ordinal)), NumberStyles.None, CultureInfo.InvariantCulture);
        return count + (processors * Math.Max(CountersBatch, 2L * processors));
    }
}
