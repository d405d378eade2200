namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// Hands out runs of places in the table of endpoint sets: best fit, neighbours joined when they are given back.
/// What is in use after a restart is read from the services' words, so nothing of this is kept anywhere else.
/// </summary>
internal sealed class ExtentAllocator
{
    private readonly SortedSet<(uint Length, uint Begin)> _bySize = [];
    private readonly Dictionary<uint, uint> _lengthByBegin = [];
    private readonly Dictionary<uint, uint> _beginByEnd = [];

    /// <summary>How many places there are, free ones included.</summary>
    public uint Capacity { get; private set; }

    /// <summary>The number of free places.</summary>
    public uint Free { get; private set; }

    /// <summary>
    /// Starts from what an earlier run allocated. Runs that overlap (they cannot, unless someone else wrote the table)
    /// are taken as one.
    /// </summary>
    public static ExtentAllocator Restore(uint capacity, IEnumerable<(uint Begin, uint Length)> used)
    {
        var allocator = new ExtentAllocator { Capacity = capacity };
        uint end = 0;
        foreach (var (begin, length) in used.Order())
        {
            if (begin > end)
            {
                allocator.Release(end, begin - end);
            }

            end = Math.Max(end, begin + length);
        }

        if (capacity > end)
        {
            allocator.Release(end, capacity - end);
        }

        return allocator;
    }

    /// <summary>Adds places at the end.</summary>
    public void Grow(uint capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, Capacity);
        uint begin = Capacity;
        Capacity = capacity;
        if (capacity > begin)
        {
            Release(begin, capacity - begin);
        }
    }

    /// <summary>Finds a run of <paramref name="length"/> free places; false where there is none so long.</summary>
    public bool TryAllocate(uint length, out uint begin)
    {
        ArgumentOutOfRangeException.ThrowIfZero(length);
        foreach (var extent in _bySize.GetViewBetween((length, 0), (uint.MaxValue, uint.MaxValue)))
        {
            begin = extent.Begin;
            Take(extent.Begin, extent.Length);
            if (extent.Length > length)
            {
                Put(extent.Begin + length, extent.Length - length);
            }

            Free -= length;
            return true;
        }

        begin = 0;
        return false;
    }

    /// <summary>Gives a run back.</summary>
    public void Release(uint begin, uint length)
    {
        Free += length;
        if (_lengthByBegin.TryGetValue(begin + length, out uint next))
        {
            Take(begin + length, next);
            length += next;
        }

        if (_beginByEnd.TryGetValue(begin, out uint before))
        {
            uint lengthBefore = begin - before;
            Take(before, lengthBefore);
            begin = before;
            length += lengthBefore;
        }

        Put(begin, length);
    }

    private void Put(uint begin, uint length)
    {
        _bySize.Add((length, begin));
        _lengthByBegin.Add(begin, length);
        _beginByEnd.Add(begin + length, begin);
    }

    private void Take(uint begin, uint length)
    {
        _bySize.Remove((length, begin));
        _lengthByBegin.Remove(begin);
        _beginByEnd.Remove(begin + length);
    }
}
