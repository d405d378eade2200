using System.Runtime.CompilerServices;
using EbpfProxy.Datapath.Abi;

namespace EbpfProxy.Datapath.Sync;

/// <summary>A run of places in the table of sets.</summary>
internal readonly record struct Extent(uint Begin, uint Length);

/// <summary>The places of the sets of one service, each once: as many as there are classes of traffic at the most.</summary>
internal struct SetExtents
{
    private Slots _slots;

    public int Count { get; private set; }

    public readonly Extent this[int index] => _slots[index];

    public void Add(TrafficWord word)
    {
        var extent = new Extent(word.Set, (uint)word.Count);
        if (extent.Length > 0 && !Contains(extent))
        {
            _slots[Count++] = extent;
        }
    }

    public readonly bool Contains(Extent extent)
    {
        for (int i = 0; i < Count; i++)
        {
            if (_slots[i] == extent)
            {
                return true;
            }
        }

        return false;
    }

    [InlineArray(3)]
    private struct Slots
    {
        private Extent _first;
    }
}
