using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>A built-in chain of a table of iptables, in the kernel's own form of before nftables.</summary>
/// <param name="Tool">iptables or ip6tables.</param>
/// <param name="Table">The table.</param>
/// <param name="Hook">The number of the hook.</param>
/// <param name="HasRules">Whether there are rules in it.</param>
/// <param name="Drops">Whether it drops what no rule decides on.</param>
internal sealed record LegacyChain(string Tool, string Table, int Hook, bool HasRules, bool Drops)
{
    /// <summary>The names of the chains, by the number of the hook.</summary>
    public static IReadOnlyList<string> Names { get; } = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

    public override string ToString() => $"{Tool} chain {Table} {Names[Hook]}";
}

/// <summary>Reads the tables of iptables that are in use. One that is not is left alone: to ask for it would make it.</summary>
internal static class LegacyTables
{
    private const int TargetLength = 32;
    private const int AcceptVerdict = -2;

    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IReadOnlyList<LegacyChain> ReadChains() => [.. LegacyFamily.All.SelectMany(ReadFamily)];

    private static List<LegacyChain> ReadFamily(LegacyFamily family)
    {
        var chains = new List<LegacyChain>();
        try
        {
            foreach (string table in family.ReadNames())
            {
                using var socket = new LegacySocket(family);
                chains.AddRange(ToChains(family, table, socket.Read(table)));
            }
        }
        catch (SocketException error)
        {
            throw new IOException($"ask for the tables of {family.Tool}: {error.Message}", error);
        }

        return chains;
    }

    private static IEnumerable<LegacyChain> ToChains(LegacyFamily family, string table, LegacyContent content) => Enumerable
        .Range(0, LegacyContent.HookCount)
        .Where(content.IsAt)
        .Select(hook => new LegacyChain(
            family.Tool,
            table,
            hook,
            content.First[hook] != content.Policy[hook],
            VerdictOf(family, content.Entries, content.Policy[hook]) != AcceptVerdict));

    /// <summary>The verdict of the entry at an offset, which is a policy and thus has no more than that.</summary>
    private static int VerdictOf(LegacyFamily family, byte[] entries, int entry)
    {
        int target = MemoryMarshal.Read<ushort>(entries.AsSpan(entry + family.TargetOffset));
        return MemoryMarshal.Read<int>(entries.AsSpan(entry + target + TargetLength));
    }
}
