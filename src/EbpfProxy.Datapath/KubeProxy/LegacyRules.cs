using System.Runtime.InteropServices;
using System.Text;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Model.KubeProxy;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>
/// The chains and rules of a table of iptables in the kernel's form of before nftables: entries one behind the other, those of the
/// built-in chains first, each other chain between an entry that has its name and one that returns. Rules are
/// named by their offset.
/// </summary>
internal sealed class LegacyRules
{
    // struct xt_entry_target: size, name, revision; a verdict or the name of a chain follows.
    private const int TargetName = 2;
    private const int TargetNameLength = 29;
    private const int TargetData = 32;
    private const int ChainNameLength = 30;
    private const int CounterLength = 16;
    private const string NameTarget = "ERROR";

    private readonly LegacyFamily _family;
    private readonly LegacyContent _content;
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<int, string> _starts = [];

    public LegacyRules(LegacyFamily family, LegacyContent content)
    {
        _family = family;
        _content = content;
        string chain = "";
        for (int offset = 0; offset < content.Entries.Length; offset += LengthAt(offset))
        {
            int hook = Array.IndexOf(content.First, offset);
            chain = hook >= 0 && content.IsAt(hook) ? LegacyChain.Names[hook] : chain;
            if (TargetOf(offset) == NameTarget)
            {
                chain = TextAt(TargetAt(offset) + TargetData, ChainNameLength);
                _starts[offset + LengthAt(offset)] = chain;
            }

            _entries.Add(new Entry(offset, chain));
        }
    }

    /// <summary>The chains; the mark of the end, which looks like one, is among them.</summary>
    public IReadOnlyCollection<string> Chains => [.. _entries.Select(entry => entry.Chain).Distinct()];

    public IReadOnlyCollection<ChainRule> Rules => [.. _entries.Select(entry => new ChainRule(entry.Chain, (ulong)entry.Offset, JumpOf(entry)))];

    /// <summary>The table without what is to go, and the counters of what stays out of those of all.</summary>
    public LegacyContent Without(ChainRemoval removal)
    {
        var places = Places(removal);
        using var kept = new MemoryStream();
        foreach (var entry in Kept(removal))
        {
            byte[] bytes = _content.Entries[entry.Offset..(entry.Offset + LengthAt(entry.Offset))];
            if (VerdictOf(entry.Offset) is { } verdict and >= 0)
            {
                BitConverter.TryWriteBytes(bytes.AsSpan(TargetAt(entry.Offset) - entry.Offset + TargetData), places[verdict]);
            }

            kept.Write(bytes);
        }

        return new LegacyContent(
            _content.Hooks,
            [.. _content.First.Select((offset, hook) => _content.IsAt(hook) ? places[offset] : offset)],
            [.. _content.Policy.Select((offset, hook) => _content.IsAt(hook) ? places[offset] : offset)],
            Kept(removal).Count(),
            kept.ToArray());
    }

    /// <summary>Of the counters of all entries those of the entries that stay.</summary>
    public byte[] CountersWithout(ChainRemoval removal, byte[] counters)
    {
        var kept = Kept(removal).ToHashSet();
        return [.. _entries.Index().Where(entry => kept.Contains(entry.Item)).SelectMany(entry => counters.AsSpan(entry.Index * CounterLength, CounterLength).ToArray())];
    }

    private IEnumerable<Entry> Kept(ChainRemoval removal)
    {
        var chains = removal.Chains.ToHashSet(StringComparer.Ordinal);
        var rules = removal.Entries.Select(rule => (int)rule.Handle).ToHashSet();
        return _entries.Where(entry => !chains.Contains(entry.Chain) && !rules.Contains(entry.Offset));
    }

    /// <summary>Where each entry comes to be; for one that goes, where the next one does.</summary>
    private Dictionary<int, int> Places(ChainRemoval removal)
    {
        var kept = Kept(removal).ToHashSet();
        var places = new Dictionary<int, int>();
        int place = 0;
        foreach (var entry in _entries)
        {
            places[entry.Offset] = place;
            place += kept.Contains(entry) ? LengthAt(entry.Offset) : 0;
        }

        return places;
    }

    /// <summary>The chain that an entry leads to. A verdict that names the next entry only says to go on.</summary>
    private string? JumpOf(Entry entry) => VerdictOf(entry.Offset) is { } verdict and >= 0 ? _starts.GetValueOrDefault(verdict) : null;

    /// <summary>The verdict of an entry whose target is only that: an offset, or a negative number for accept, drop and the like.</summary>
    private int? VerdictOf(int offset) => TargetOf(offset).Length == 0 ? MemoryMarshal.Read<int>(_content.Entries.AsSpan(TargetAt(offset) + TargetData)) : null;

    private string TargetOf(int offset) => TextAt(TargetAt(offset) + TargetName, TargetNameLength);

    private int TargetAt(int offset) => offset + MemoryMarshal.Read<ushort>(_content.Entries.AsSpan(offset + _family.TargetOffset));

    private int LengthAt(int offset) => MemoryMarshal.Read<ushort>(_content.Entries.AsSpan(offset + _family.NextOffset)) is > 0 and var length
        ? length
        : throw new IOException($"a table of {_family.Tool} has an entry without a length");

    private string TextAt(int offset, int length)
    {
        var text = _content.Entries.AsSpan(offset, length);
        int end = text.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? text : text[..end]);
    }

    private sealed record Entry(int Offset, string Chain);
}
