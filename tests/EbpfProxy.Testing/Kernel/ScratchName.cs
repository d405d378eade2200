using System.Globalization;

namespace EbpfProxy.Testing.Kernel;

/// <summary>Names for things outside the process that no other test, run or process uses.</summary>
internal static class ScratchName
{
    private static int _last;

    /// <summary>At most 15 characters for process ids of up to 7 digits, as the names of devices allow.</summary>
    public static string Next()
        => string.Create(CultureInfo.InvariantCulture, $"ep{Environment.ProcessId}-{Interlocked.Increment(ref _last)}");
}
