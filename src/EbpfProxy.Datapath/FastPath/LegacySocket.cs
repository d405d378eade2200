using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace EbpfProxy.Datapath.FastPath;

/// <summary>A family of the tables of iptables, in the kernel's own form of before nftables.</summary>
/// <param name="Tool">Whose tables they are: iptables or ip6tables.</param>
/// <param name="NamesFile">The file that names those in use.</param>
/// <param name="AddressFamily">Of the socket to ask by.</param>
/// <param name="Level">SOL_IP or SOL_IPV6.</param>
/// <param name="TargetOffset">Where an entry says at which offset its target is.</param>
internal sealed record LegacyFamily(string Tool, string NamesFile, AddressFamily AddressFamily, int Level, int TargetOffset)
{
    public static IReadOnlyList<LegacyFamily> All { get; } =
    [
        new("iptables", "ip_tables_names", AddressFamily.InterNetwork, Level: 0, TargetOffset: 88),
        new("ip6tables", "ip6_tables_names", AddressFamily.InterNetworkV6, Level: 41, TargetOffset: 140),
    ];

    /// <summary>Where an entry says how long it is.</summary>
    public int NextOffset => TargetOffset + sizeof(ushort);

    /// <summary>The tables in use. One that is not is left alone: to ask for it would make it.</summary>
    public IReadOnlyList<string> ReadNames()
    {
        string names = Path.Combine("/proc/thread-self/net", NamesFile);
        return File.Exists(names) ? [.. File.ReadAllLines(names).Distinct()] : [];
    }
}

/// <summary>What a table of iptables is made of.</summary>
/// <param name="Hooks">The bits of the hooks that it is at.</param>
/// <param name="First">The offset of the first entry of each hook.</param>
/// <param name="Policy">The offset of the policy of each hook.</param>
/// <param name="Count">How many entries it has.</param>
internal record LegacyLayout(uint Hooks, int[] First, int[] Policy, int Count)
{
    public const int HookCount = 5;

    public bool IsAt(int hook) => (Hooks & (1 << hook)) != 0;
}

/// <summary>A table as the kernel hands it out, with the entries one behind the other.</summary>
internal sealed record LegacyContent(uint Hooks, int[] First, int[] Policy, int Count, byte[] Entries) : LegacyLayout(Hooks, First, Policy, Count);

/// <summary>Reads and replaces whole tables of iptables by getsockopt() and setsockopt(), as its own library does.</summary>
internal sealed class LegacySocket : IDisposable
{
    public const int NameLength = 32;

    // IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES, IPT_SO_SET_REPLACE, IPT_SO_SET_ADD_COUNTERS; the same for both families.
    private const int GetInfo = 64;
    private const int GetEntries = 65;
    private const int SetReplace = 64;
    private const int SetAddCounters = 65;

    // struct ipt_getinfo: name, valid hooks, first entry of each hook, policy of each hook, entries, size.
    private const int HooksOffset = NameLength;
    private const int FirstOffset = HooksOffset + 4;
    private const int PolicyOffset = FirstOffset + (4 * LegacyLayout.HookCount);
    private const int CountOffset = PolicyOffset + (4 * LegacyLayout.HookCount);
    private const int SizeOffset = CountOffset + 4;
    private const int InfoLength = SizeOffset + 4;

    // struct ipt_get_entries: name, size, entries from the next multiple of eight on.
    private const int EntriesOffset = 40;

    // struct ipt_replace: name, valid hooks, entries, size, first, policy, number and address of the old counters, entries.
    private const int ReplaceFirst = NameLength + 12;
    private const int ReplaceCounterCount = ReplaceFirst + (8 * LegacyLayout.HookCount);
    private const int ReplaceCounters = ReplaceCounterCount + 4;
    private const int ReplaceEntries = ReplaceCounters + 8;

    // struct xt_counters_info: name, number, counters from the next multiple of eight on.
    private const int AddedCounters = 40;

    /// <summary>struct xt_counters: packets, bytes.</summary>
    private const int CounterLength = 16;

    private const int Attempts = 10;

    private readonly LegacyFamily _family;
    private readonly Socket _socket;

    public LegacySocket(LegacyFamily family)
    {
        _family = family;

        // Any socket of the family does; a raw one would take CAP_NET_RAW.
        _socket = new Socket(family.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
    }

    /// <summary>What a table is made of, which costs the same for large and small ones.</summary>
    /// <exception cref="SocketException">The kernel refuses.</exception>
    public LegacyLayout ReadLayout(string table) => ToLayout(ReadInfo(table));

    /// <exception cref="SocketException">The kernel refuses.</exception>
    public LegacyContent Read(string table)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return TryRead(table);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.WouldBlock && attempt < Attempts)
            {
                // Somebody put another table in its place between the two questions.
            }
        }
    }

    /// <summary>
    /// Puts a table in the place of one with <paramref name="oldCount"/> entries, in one step. Returns the counters of those, at that moment;
    /// the new entries have none.
    /// </summary>
    /// <exception cref="SocketException">The kernel refuses, or the table has another number of entries meanwhile.</exception>
    public unsafe byte[] Replace(string table, LegacyContent content, int oldCount)
    {
        byte[] counters = new byte[oldCount * CounterLength];
        byte[] request = new byte[ReplaceEntries + content.Entries.Length];
        Encoding.ASCII.GetBytes(table, request);
        BitConverter.TryWriteBytes(request.AsSpan(HooksOffset), content.Hooks);
        BitConverter.TryWriteBytes(request.AsSpan(HooksOffset + 4), content.Count);
        BitConverter.TryWriteBytes(request.AsSpan(HooksOffset + 8), content.Entries.Length);
        MemoryMarshal.AsBytes<int>(content.First).CopyTo(request.AsSpan(ReplaceFirst));
        MemoryMarshal.AsBytes<int>(content.Policy).CopyTo(request.AsSpan(ReplaceFirst + (4 * LegacyLayout.HookCount)));
        BitConverter.TryWriteBytes(request.AsSpan(ReplaceCounterCount), oldCount);
        content.Entries.CopyTo(request.AsSpan(ReplaceEntries));
        fixed (byte* old = counters)
        {
            BitConverter.TryWriteBytes(request.AsSpan(ReplaceCounters), (long)old);
            _socket.SetRawSocketOption(_family.Level, SetReplace, request);
        }

        return counters;
    }

    /// <summary>Adds to the counters of all entries of a table, in their order.</summary>
    /// <exception cref="SocketException">The kernel refuses, or the table has another number of entries meanwhile.</exception>
    public void AddCounters(string table, byte[] counters)
    {
        byte[] request = new byte[AddedCounters + counters.Length];
        Encoding.ASCII.GetBytes(table, request);
        BitConverter.TryWriteBytes(request.AsSpan(NameLength), counters.Length / CounterLength);
        counters.CopyTo(request.AsSpan(AddedCounters));
        _socket.SetRawSocketOption(_family.Level, SetAddCounters, request);
    }

    public void Dispose() => _socket.Dispose();

    private LegacyContent TryRead(string table)
    {
        byte[] info = ReadInfo(table);
        var layout = ToLayout(info);
        byte[] entries = new byte[EntriesOffset + WordAt(info, SizeOffset)];
        Encoding.ASCII.GetBytes(table, entries);
        BinaryPrimitives.WriteInt32LittleEndian(entries.AsSpan(NameLength), WordAt(info, SizeOffset));
        _socket.GetRawSocketOption(_family.Level, GetEntries, entries);
        return new LegacyContent(layout.Hooks, layout.First, layout.Policy, layout.Count, entries[EntriesOffset..]);
    }

    private byte[] ReadInfo(string table)
    {
        byte[] info = new byte[InfoLength];
        Encoding.ASCII.GetBytes(table, info);
        _socket.GetRawSocketOption(_family.Level, GetInfo, info);
        return info;
    }

    private static LegacyLayout ToLayout(byte[] info) => new(
        (uint)WordAt(info, HooksOffset),
        [.. Enumerable.Range(0, LegacyLayout.HookCount).Select(hook => WordAt(info, FirstOffset + (4 * hook)))],
        [.. Enumerable.Range(0, LegacyLayout.HookCount).Select(hook => WordAt(info, PolicyOffset + (4 * hook)))],
        WordAt(info, CountOffset));

    private static int WordAt(byte[] bytes, int offset) => MemoryMarshal.Read<int>(bytes.AsSpan(offset));
}
