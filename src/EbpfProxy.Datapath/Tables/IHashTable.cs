namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// A table that is looked up by key, as its one writer sees it. Every write is counted. A value is one word for the
/// programs that read it, and an element that was replaced or removed is not used again while one may still read it.
/// </summary>
internal interface IHashTable<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    /// <summary>The number of elements.</summary>
    int Count { get; }

    /// <summary>How many elements fit before the table grows.</summary>
    uint Capacity { get; }

    /// <summary>The number of writes so far.</summary>
    long Writes { get; }

    /// <summary>Reads an element; of a trie, the one with the longest prefix.</summary>
    bool TryRead(in TKey key, out TValue value);

    /// <summary>Says that programs may meet a key before it has its element; nothing, where they have no hints of keys.</summary>
    void Expect(in TKey key)
    {
    }

    /// <summary>Adds an element, or replaces it; of a trie, adds one that is not in it.</summary>
    void Put(in TKey key, in TValue value);

    /// <summary>Adds elements that are not in the table, many at a time.</summary>
    void AddBatch(ReadOnlySpan<TKey> keys, ReadOnlySpan<TValue> values);

    /// <summary>Removes an element; false where there is none.</summary>
    bool Remove(in TKey key);

    /// <summary>Makes room for <paramref name="count"/> elements in all.</summary>
    void EnsureCapacity(uint count);

    /// <summary>The elements as the kernel holds them.</summary>
    IEnumerable<KeyValuePair<TKey, TValue>> ReadAll();
}
