using System.Globalization;

namespace EbpfProxy.Datapath.Kernel;

/// <summary>What this process may do of what root may do (capabilities(7)), by the numbers of linux/capability.h.</summary>
internal sealed class Capabilities(ulong effective)
{
    public const int NetAdmin = 12;
    public const int SysAdmin = 21;
    public const int SysResource = 24;
    public const int Perfmon = 38;
    public const int Bpf = 39;

    private const string Field = "CapEff:";

    public bool this[int capability] => (effective >> capability & 1) != 0;

    public static Capabilities Read() => Parse(File.ReadLines("/proc/thread-self/status"));

    /// <summary>Takes them from the lines of a status file (proc(5)).</summary>
    internal static Capabilities Parse(IEnumerable<string> lines)
    {
        string line = lines.First(line => line.StartsWith(Field, StringComparison.Ordinal));
        return new Capabilities(ulong.Parse(line.AsSpan(Field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
