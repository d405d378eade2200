using EbpfProxy.Datapath.Sync;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// A hash map or longest-prefix trie. The kernel uses an element that was replaced or removed again at the next insertion, while a program may
/// still be reading it: so an insertion waits for the grace period that the last such write began.
/// </summary>
internal sealed class HashTable<TKey, TValue> : GrowableTable, IHashTable<TKey, TValue>
    where TKey : unmanaged, IEquatable<TKey>
    where TValue : unmanaged
{
    private readonly IGracePeriods _gracePeriods;
    private BpfHashMap<TKey, TValue> _map;
    private BpfHashMap<TKey, TValue>? _copy;
    private bool _isUnsettled;
    private long _ticket;

    public HashTable(string name, BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types, IGracePeriods gracePeriods)
        : base(name, map, slot, pins, types)
    {
        _gracePeriods = gracePeriods;
        _map = new BpfHashMap<TKey, TValue>(map);
        Count = CountRows();
    }

    public int Count { get; private set; }

    public bool TryRead(in TKey key, out TValue value) => _map.TryGet(key, out value);

    public void Put(in TKey key, in TValue value)
    {
        Settle();
        EnsureCapacity((uint)Count + 1);
        if (_map.TryAdd(key, value))
        {
            Count++;
        }
        else
        {
            _map.Update(key, value);
            Unsettle();
        }

        Writes++;
    }

    public void AddBatch(ReadOnlySpan<TKey> keys, ReadOnlySpan<TValue> values)
    {
        if (keys.IsEmpty)
        {
            return;
        }

        Settle();
        EnsureCapacity((uint)(Count + keys.Length));
        try
        {
            _map.UpdateBatch(keys, values);
            Count += keys.Length;
            Writes += keys.Length;
        }
        catch (BpfBatchException e)
        {
            Writes += e.Completed;
            Count = CountRows();
            throw;
        }
    }

    public bool Remove(in TKey key)
    {
        if (!_map.TryDelete(key))
        {
            return false;
        }

        Count--;
        Writes++;
        Unsettle();
        return true;
    }

    public IEnumerable<KeyValuePair<TKey, TValue>> ReadAll() => _map.Enumerate();

    protected override void CopyTo(BpfMap larger)
    {
        var rows = _map.Enumerate().ToArray();
        _copy = new BpfHashMap<TKey, TValue>(larger);
        _copy.UpdateBatch(Array.ConvertAll(rows, row => row.Key), Array.ConvertAll(rows, row => row.Value));
    }

    protected override void Switch()
    {
        _map = _copy!;
        _copy = null;
        _isUnsettled = false;
    }

    private int CountRows() => _map.Enumerate().Count();

    private void Unsettle()
    {
        _isUnsettled = true;
        _ticket = _gracePeriods.Request();
    }

    private void Settle()
    {
        if (_isUnsettled)
        {
            _gracePeriods.Wait(_ticket);
            _isUnsettled = false;
        }
    }
}
