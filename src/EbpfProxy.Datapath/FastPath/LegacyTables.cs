using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>A built-in chain of a table of iptables, in the kernel's own form of before nftables.</summary>
/// <param name="Tool">iptables or ip6tables.</param>
/// <param name="Table">The table.</param>
/// <param name="Hook">The number of the hook.</param>
/// <param name="HasRules">Whether there are rules in it.</param>
/// <param name="Drops">Whether it drops what no rule decides on.</param>
internal sealed record LegacyChain(string Tool, string Table, int Hook, bool HasRules, bool Drops)
{
    private static readonly string[] _names = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

    public override string ToString() => $"{Tool} chain {Table} {_names[Hook]}";
}

/// <summary>Reads the tables of iptables that are in use. One that is not is left alone: to ask for it would make it.</summary>
internal static class LegacyTables
{
    private const int HookCount = 5;
    private const int NameLength = 32;

    // IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; the same for both families.
    private const int GetInfo = 64;
    private const int GetEntries = 65;

    // struct ipt_getinfo: name, valid hooks, first entry of each hook, policy of each hook, entries, size.
    private const int InfoLength = NameLength + 4 + (4 * HookCount) + (4 * HookCount) + 4 + 4;
    private const int HooksOffset = NameLength;
    private const int FirstOffset = HooksOffset + 4;
    private const int PolicyOffset = FirstOffset + (4 * HookCount);
    private const int SizeOffset = PolicyOffset + (4 * HookCount) + 4;

    // struct ipt_get_entries: name, size, entries from the next multiple of eight on.
    private const int EntriesOffset = 40;
    private const int TargetLength = 32;
    private const int AcceptVerdict = -2;

    private static readonly Family[] _families =
    [
        new("iptables", "ip_tables_names", AddressFamily.InterNetwork, Level: 0, TargetOffset: 88),
        new("ip6tables", "ip6_tables_names", AddressFamily.InterNetworkV6, Level: 41, TargetOffset: 140),
    ];

    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IReadOnlyList<LegacyChain> ReadChains() => [.. _families.SelectMany(ReadFamily)];

    private static List<LegacyChain> ReadFamily(Family family)
    {
        string names = Path.Combine("/proc/thread-self/net", family.NamesFile);
        string[] tables = File.Exists(names) ? File.ReadAllLines(names) : [];
        var chains = new List<LegacyChain>();
        try
        {
            foreach (string table in tables.Distinct())
            {
                using var socket = new Socket(family.AddressFamily, SocketType.Raw, ProtocolType.Raw);
                chains.AddRange(ReadTable(socket, family, table));
            }
        }
        catch (SocketException error)
        {
            throw new IOException($"ask for the tables of {family.Tool}: {error.Message}", error);
        }

        return chains;
    }

    private static IEnumerable<LegacyChain> ReadTable(Socket socket, Family family, string table)
    {
        byte[] info = new byte[InfoLength];
        Encoding.ASCII.GetBytes(table, info);
        socket.GetRawSocketOption(family.Level, GetInfo, info);
        byte[] entries = new byte[EntriesOffset + WordAt(info, SizeOffset)];
        Encoding.ASCII.GetBytes(table, entries);
        BinaryPrimitives.WriteInt32LittleEndian(entries.AsSpan(NameLength), WordAt(info, SizeOffset));
        socket.GetRawSocketOption(family.Level, GetEntries, entries);
        uint hooks = (uint)WordAt(info, HooksOffset);
        for (int hook = 0; hook < HookCount; hook++)
        {
            if ((hooks & (1 << hook)) != 0)
            {
                int policy = WordAt(info, PolicyOffset + (4 * hook));
                yield return new LegacyChain(
                    family.Tool, table, hook, WordAt(info, FirstOffset + (4 * hook)) != policy, VerdictOf(family, entries, policy) != AcceptVerdict);
            }
        }
    }

    /// <summary>The verdict of the entry at an offset, which is a policy and thus has no more than that.</summary>
    private static int VerdictOf(Family family, byte[] entries, int offset)
    {
        int entry = EntriesOffset + offset;
        int target = MemoryMarshal.Read<ushort>(entries.AsSpan(entry + family.TargetOffset));
        return WordAt(entries, entry + target + TargetLength);
    }

    private static int WordAt(byte[] bytes, int offset) => MemoryMarshal.Read<int>(bytes.AsSpan(offset));

    /// <param name="Tool">Whose tables they are.</param>
    /// <param name="NamesFile">The file that names those in use.</param>
    /// <param name="AddressFamily">Of the socket to ask by.</param>
    /// <param name="Level">SOL_IP or SOL_IPV6.</param>
    /// <param name="TargetOffset">Where an entry says at which offset its target is.</param>
    private sealed record Family(string Tool, string NamesFile, AddressFamily AddressFamily, int Level, int TargetOffset);
}
