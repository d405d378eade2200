using System.Globalization;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>
/// Lets go of the pages of the program's own file. Most were read to start, and never are again; those that are come back
/// from the page cache at the first touch. Only what is as it stands in the file: a page that was changed in memory would
/// be lost.
/// </summary>
public static class ProgramPages
{
    public static void Release()
    {
        string? program = Environment.ProcessPath;
        if (program is not null)
        {
            foreach (var (begin, end) in Unchanged(File.ReadLines("/proc/self/smaps"), program).ToArray())
            {
                // What the kernel will not let go of stays.
                _ = Libc.AdviseMemory((nint)begin, (nuint)(end - begin), Libc.MemoryNotNeeded);
            }
        }
    }

    /// <summary>The mappings of a file that cannot be written and have no page of this process's own.</summary>
    internal static IEnumerable<(ulong Begin, ulong End)> Unchanged(IEnumerable<string> smaps, string file)
    {
        (ulong Begin, ulong End)? mapping = null;
        foreach (string line in smaps)
        {
            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words is [{ } range, { Length: 4 } rights, _, _, _, ..] && range.IndexOf('-', StringComparison.Ordinal) is var dash and > 0)
            {
                bool isWanted = !rights.Contains('w', StringComparison.Ordinal) && line.EndsWith(" " + file, StringComparison.Ordinal);
                mapping = isWanted ? (Parse(range[..dash]), Parse(range[(dash + 1)..])) : null;
            }
            else if (mapping is { } found && words is ["Anonymous:", "0", ..])
            {
                yield return found;
                mapping = null;
            }
        }
    }

    private static ulong Parse(string hexadecimal) => ulong.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
