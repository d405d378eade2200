using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>A built-in chain of a table of iptables, in the kernel's own form of before nftables.</summary>
/// <param name="Tool">iptables or ip6tables.</param>
/// <param name="Table">The table.</param>
/// <param name="Hook">The number of the hook.</param>
/// <param name="HasRules">Whether there are rules in it.</param>
/// <param name="ReadDrops">Reads, when it is first asked for, whether it drops what no rule decides on: of the whole table, which may be large.</param>
internal sealed record LegacyChain(string Tool, string Table, int Hook, bool HasRules, Lazy<bool> ReadDrops)
{
    /// <summary>The names of the chains, by the number of the hook.</summary>
    public static IReadOnlyList<string> Names { get; } = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

    /// <summary>Whether it drops what no rule decides on.</summary>
    /// <exception cref="IOException">The kernel refuses to tell.</exception>
    public bool Drops => ReadDrops.Value;

    public override string ToString() => $"{Tool} chain {Table} {Names[Hook]}";
}

/// <summary>Reads the tables of iptables that are in use. One that is not is left alone: to ask for it would make it.</summary>
internal static class LegacyTables
{
    private const int TargetLength = 32;
    private const int AcceptVerdict = -2;

    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IReadOnlyList<LegacyChain> ReadChains() => [.. LegacyFamily.All.SelectMany(ReadFamily)];

    private static IEnumerable<LegacyChain> ReadFamily(LegacyFamily family) => family.ReadNames().SelectMany(table => ReadTable(family, table));

    private static IEnumerable<LegacyChain> ReadTable(LegacyFamily family, string table)
    {
        var layout = Ask(family, socket => socket.ReadLayout(table));
        var content = new Lazy<LegacyContent>(() => Ask(family, socket => socket.Read(table)));
        return Enumerable.Range(0, LegacyLayout.HookCount).Where(layout.IsAt).Select(hook =>
            new LegacyChain(family.Tool, table, hook, layout.First[hook] != layout.Policy[hook], new Lazy<bool>(() => Drops(family, content.Value, hook))));
    }

    private static T Ask<T>(LegacyFamily family, Func<LegacySocket, T> read)
    {
        try
        {
            using var socket = new LegacySocket(family);
            return read(socket);
        }
        catch (SocketException error)
        {
            throw new IOException($"ask for the tables of {family.Tool}: {error.Message}", error);
        }
    }

    private static bool Drops(LegacyFamily family, LegacyContent content, int hook) =>
        VerdictOf(family, content.Entries, content.Policy[hook]) != AcceptVerdict;

    /// <summary>The verdict of the entry at an offset, which is a policy and thus has no more than that.</summary>
    private static int VerdictOf(LegacyFamily family, byte[] entries, int entry)
    {
        int target = MemoryMarshal.Read<ushort>(entries.AsSpan(entry + family.TargetOffset));
        return MemoryMarshal.Read<int>(entries.AsSpan(entry + target + TargetLength));
    }
}
