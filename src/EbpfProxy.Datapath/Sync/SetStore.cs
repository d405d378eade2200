using EbpfProxy.Datapath.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>The table of endpoint sets: runs of backend ids. A set is written once, at a place that no reader can reach yet.</summary>
internal sealed class SetStore
{
    private const uint MinimumGrowth = 1024;

    private readonly IArrayTable<uint> _table;
    private readonly ExtentAllocator _extents;

    private SetStore(IArrayTable<uint> table, ExtentAllocator extents)
    {
        _table = table;
        _extents = extents;
    }

    public static SetStore Adopt(IArrayTable<uint> table, IEnumerable<Extent> used) =>
        new(table, ExtentAllocator.Restore(table.Capacity, used.Select(extent => (extent.Begin, extent.Length))));

    /// <summary>Writes a set and returns where it begins; an empty set needs no place.</summary>
    public uint Add(ReadOnlySpan<uint> backends)
    {
        if (backends.IsEmpty)
        {
            return 0;
        }

        uint length = (uint)backends.Length;
        uint begin;
        while (!_extents.TryAllocate(length, out begin))
        {
            _table.EnsureCapacity(_extents.Capacity + Math.Max(length, MinimumGrowth));
            _extents.Grow(_table.Capacity);
        }

        for (int i = 0; i < backends.Length; i++)
        {
            _table.Write(begin + (uint)i, backends[i]);
        }

        return begin;
    }

    public bool Holds(uint begin, ReadOnlySpan<uint> backends)
    {
        for (int i = 0; i < backends.Length; i++)
        {
            if (_table.Read(begin + (uint)i) != backends[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Makes room for sets of <paramref name="total"/> backends in all.</summary>
    public void Reserve(uint total)
    {
        uint used = _extents.Capacity - _extents.Free;
        if (total > used && total - used > _extents.Free)
        {
            _table.EnsureCapacity(_extents.Capacity + total - used - _extents.Free);
            _extents.Grow(_table.Capacity);
        }
    }

    /// <summary>Gives back the place of a set that no service names any more and no program can still be reading.</summary>
    public void Free(Extent extent)
    {
        if (extent.Length > 0)
        {
            _extents.Release(extent.Begin, extent.Length);
        }
    }
}
