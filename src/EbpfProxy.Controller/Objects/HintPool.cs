using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Objects;

/// <summary>
/// Collects the hints of one endpoint and hands out one object for all endpoints with equal hints. Not thread-safe.
/// </summary>
internal sealed class HintPool
{
    private const int MaxHints = 16384;

    private readonly HashSet<TopologyHints> _hints = new(new Comparer());
    private readonly HashSet<TopologyHints>.AlternateLookup<HintPool> _lookup;

    public HintPool() => _lookup = _hints.GetAlternateLookup<HintPool>();

    /// <summary>hints.forZones of the endpoint being read.</summary>
    public List<string> Zones { get; } = [];

    /// <summary>hints.forNodes of the endpoint being read.</summary>
    public List<string> Nodes { get; } = [];

    public void Clear()
    {
        Zones.Clear();
        Nodes.Clear();
    }

    /// <summary>The shared object for what was collected; null for nothing.</summary>
    public TopologyHints? Take()
    {
        if (Zones.Count == 0 && Nodes.Count == 0)
        {
            return null;
        }

        if (_lookup.TryGetValue(this, out var known))
        {
            return known;
        }

        if (_hints.Count >= MaxHints)
        {
            _hints.Clear();
        }

        var hints = new TopologyHints([.. Zones], [.. Nodes]);
        _hints.Add(hints);
        return hints;
    }

    private sealed class Comparer : IEqualityComparer<TopologyHints>, IAlternateEqualityComparer<HintPool, TopologyHints>
    {
        public bool Equals(TopologyHints? x, TopologyHints? y) =>
            x is null ? y is null : y is not null && Same(x, y.Zones.AsSpan(), y.Nodes.AsSpan());

        public int GetHashCode([DisallowNull] TopologyHints hints) => Hash(hints.Zones.AsSpan(), hints.Nodes.AsSpan());

        public bool Equals(HintPool alternate, TopologyHints other) =>
            Same(other, Span(alternate.Zones), Span(alternate.Nodes));

        public int GetHashCode(HintPool alternate) => Hash(Span(alternate.Zones), Span(alternate.Nodes));

        public TopologyHints Create(HintPool alternate) => new([.. alternate.Zones], [.. alternate.Nodes]);

        private static ReadOnlySpan<string> Span(List<string> strings) =>
            CollectionsMarshal.AsSpan(strings);

        private static bool Same(TopologyHints hints, ReadOnlySpan<string> zones, ReadOnlySpan<string> nodes) =>
            hints.Zones.AsSpan().SequenceEqual(zones) && hints.Nodes.AsSpan().SequenceEqual(nodes);

        private static int Hash(ReadOnlySpan<string> zones, ReadOnlySpan<string> nodes)
        {
            var hash = new HashCode();
            hash.Add(zones.Length);
            foreach (string zone in zones)
            {
                hash.Add(zone);
            }

            foreach (string node in nodes)
            {
                hash.Add(node);
            }

            return hash.ToHashCode();
        }
    }
}
