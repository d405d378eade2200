namespace EbpfProxy.Bench.Report;

internal static class Machine
{
    /// <summary>Where and when the figures come from, and how much else there was to do.</summary>
    public static string Describe()
    {
        string kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        string processor = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } model
            ? model[(model.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            : "unknown processor";
        string load = string.Join(", ", File.ReadAllText("/proc/loadavg").Split(' ').Take(3));
        return FormattableString.Invariant(
            $"{DateTime.UtcNow:yyyy-MM-dd}, kernel {kernel}, {Environment.ProcessorCount} of {processor}; load average at the end {load}.");
    }
}
