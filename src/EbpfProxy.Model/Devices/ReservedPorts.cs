using System.Collections.Immutable;

namespace EbpfProxy.Model.Devices;

/// <summary>Sets of ports as net.ipv4.ip_local_reserved_ports has them: "80,1024-29999".</summary>
public sealed class ReservedPorts
{
    private readonly ImmutableArray<PortRange> _ranges;

    private ReservedPorts(IEnumerable<PortRange> ranges)
    {
        _ranges = Merge(ranges);
    }

    public static ReservedPorts None { get; } = new([]);

    public int Count => _ranges.Sum(range => range.Count);

    /// <summary>Reads what the kernel wrote; what makes no sense is left out, as port 0, from which a range may begin, and which no socket has.</summary>
    public static ReservedPorts Parse(string text) => new(text
        .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .Select(part => PortRange.TryParse(part.StartsWith("0-", StringComparison.Ordinal) ? $"1{part.AsSpan(1)}" : part, out var range) ? range : (PortRange?)null)
        .OfType<PortRange>());

    public ReservedPorts With(ReservedPorts others) => new(_ranges.Concat(others._ranges));

    public ReservedPorts Without(ReservedPorts others) => new(others._ranges.Aggregate(
        (IEnumerable<PortRange>)_ranges, (left, cut) => left.SelectMany(range => Cut(range, cut))));

    public static ReservedPorts Of(PortRange range) => new([range]);

    /// <summary>The part of <paramref name="range"/> that is in <paramref name="other"/>.</summary>
    public static ReservedPorts Overlap(PortRange range, PortRange other) => range.Overlaps(other)
        ? new([new PortRange(Math.Max(range.First, other.First), Math.Min(range.Last, other.Last))])
        : None;

    public override string ToString() => string.Join(',', _ranges);

    private static IEnumerable<PortRange> Cut(PortRange range, PortRange cut)
    {
        if (!range.Overlaps(cut))
        {
            yield return range;
            yield break;
        }

        if (range.First < cut.First)
        {
            yield return range with { Last = (ushort)(cut.First - 1) };
        }

        if (range.Last > cut.Last)
        {
            yield return range with { First = (ushort)(cut.Last + 1) };
        }
    }

    private static ImmutableArray<PortRange> Merge(IEnumerable<PortRange> ranges)
    {
        var merged = new List<PortRange>();
        foreach (var range in ranges.OrderBy(range => range.First))
        {
            if (merged is [.., var last] && range.First <= last.Last + 1)
            {
                merged[^1] = last with { Last = Math.Max(last.Last, range.Last) };
            }
            else
            {
                merged.Add(range);
            }
        }

        return [.. merged];
    }
}
