namespace EbpfProxy.Datapath.Sync;

/// <summary>Hands out small numbers, free ones again first.</summary>
internal sealed class IdAllocator
{
    private readonly Stack<uint> _free = new();
    private uint _next;

    /// <summary>One more than the largest number that was ever handed out.</summary>
    public uint End => _next;

    public static IdAllocator Restore(uint end, Func<uint, bool> isUsed)
    {
        var allocator = new IdAllocator { _next = end };
        for (uint id = end; id-- > 0;)
        {
            if (!isUsed(id))
            {
                allocator._free.Push(id);
            }
        }

        return allocator;
    }

    public uint Allocate() => _free.TryPop(out uint id) ? id : _next++;

    public void Release(uint id) => _free.Push(id);
}
