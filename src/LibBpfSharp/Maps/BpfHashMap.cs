namespace LibBpfSharp;

/// <summary>
/// A view of a hash table, an evicting hash table or a longest-prefix-match trie. It does not own the map. Each call is atomic for
/// one element; it is safe to use from several threads.
/// </summary>
/// <typeparam name="TKey">The key, without padding whose bytes could differ.</typeparam>
/// <typeparam name="TValue">The value.</typeparam>
public sealed unsafe class BpfHashMap<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    /// <summary>Looks at <paramref name="map"/> as a map from <typeparamref name="TKey"/> to <typeparamref name="TValue"/>.</summary>
    /// <exception cref="InvalidDataException">The map is of another type, or its keys or values are of another size.</exception>
    public BpfHashMap(BpfMap map)
    {
        MapLayout.Require(map, [BpfMapType.Hash, BpfMapType.LruHash, BpfMapType.LpmTrie], sizeof(TKey), sizeof(TValue));
        Map = map;
    }

    /// <summary>The map.</summary>
    public BpfMap Map { get; }

    /// <summary>Puts in an element or replaces one.</summary>
    /// <exception cref="BpfException">For example E2BIG: the map is full.</exception>
    public void Update(in TKey key, in TValue value, BpfUpdateMode mode = BpfUpdateMode.Any)
    {
        int result = UpdateElement(in key, in value, mode);
        if (result < 0)
        {
            BpfException.Throw("update map", Map.Name, result);
        }
    }

    /// <summary>Puts in an element. Returns whether that could be done: false if there is one already.</summary>
    /// <exception cref="BpfException">For example E2BIG: the map is full.</exception>
    public bool TryAdd(in TKey key, in TValue value)
    {
        int result = UpdateElement(in key, in value, BpfUpdateMode.NoExist);
        if (result < 0 && result != -LibC.EEXIST)
        {
            BpfException.Throw("add to map", Map.Name, result);
        }

        return result >= 0;
    }

    /// <summary>Looks up an element; of a trie, the one with the longest prefix. A miss costs no allocation.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool TryGet(in TKey key, out TValue value)
    {
        using var lease = new HandleLease(Map);
        int result;
        value = default;
        fixed (TKey* keyPointer = &key)
        fixed (TValue* valuePointer = &value)
        {
            result = LibBpf.bpf_map_lookup_elem(lease.Descriptor, keyPointer, valuePointer);
        }

        if (result < 0 && result != -LibC.ENOENT)
        {
            BpfException.Throw("look up in map", Map.Name, result);
        }

        return result >= 0;
    }

    /// <summary>Removes an element.</summary>
    /// <exception cref="BpfException">For example ENOENT: there is none.</exception>
    public void Delete(in TKey key)
    {
        if (!TryDelete(in key))
        {
            BpfException.Throw("delete from map", Map.Name, -LibC.ENOENT);
        }
    }

    /// <summary>Removes an element. Returns whether there was one.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool TryDelete(in TKey key)
    {
        using var lease = new HandleLease(Map);
        int result;
        fixed (TKey* keyPointer = &key)
        {
            result = LibBpf.bpf_map_delete_elem(lease.Descriptor, keyPointer);
        }

        if (result < 0 && result != -LibC.ENOENT)
        {
            BpfException.Throw("delete from map", Map.Name, result);
        }

        return result >= 0;
    }

    /// <summary>
    /// Removes an element and returns what it was: one step, except on kernels before 5.14, where another may replace it
    /// between the two. Returns whether there was one.
    /// </summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool TryTake(in TKey key, out TValue value)
    {
        using var lease = new HandleLease(Map);
        int result;
        value = default;
        fixed (TKey* keyPointer = &key)
        fixed (TValue* valuePointer = &value)
        {
            result = LibBpf.bpf_map_lookup_and_delete_elem(lease.Descriptor, keyPointer, valuePointer);
        }

        if (OperationSupport.IsMissing(result))
        {
            return TryGet(in key, out value) && TryDelete(in key);
        }

        if (result < 0 && result != -LibC.ENOENT)
        {
            BpfException.Throw("take from map", Map.Name, result);
        }

        return result >= 0;
    }

    /// <summary>Puts in or replaces elements, in order, with few system calls where the kernel can.</summary>
    /// <exception cref="BpfBatchException">It stopped in the middle; <see cref="BpfBatchException.Completed"/> tells where.</exception>
    public void UpdateBatch(ReadOnlySpan<TKey> keys, ReadOnlySpan<TValue> values)
    {
        if (keys.Length != values.Length)
        {
            throw new ArgumentException($"{keys.Length} keys do not go with {values.Length} values", nameof(values));
        }

        if (keys.IsEmpty)
        {
            return;
        }

        using var lease = new HandleLease(Map);
        uint count = (uint)keys.Length;
        bpf_map_batch_opts options = new() { sz = (nuint)sizeof(bpf_map_batch_opts) };
        int result;
        fixed (TKey* firstKey = keys)
        fixed (TValue* firstValue = values)
        {
            result = LibBpf.bpf_map_update_batch(lease.Descriptor, firstKey, firstValue, &count, &options);
        }

        if (OperationSupport.IsMissing(result))
        {
            UpdateSingly(keys, values);
        }
        else if (result < 0)
        {
            throw new BpfBatchException("update map", Map.Name, -result, OperationSupport.Completed(count, keys.Length), keys.Length);
        }
    }

    /// <summary>
    /// Removes elements, in order, with few system calls where the kernel can. Keys that have none are passed over. Returns how
    /// many elements there were.
    /// </summary>
    /// <exception cref="BpfBatchException">It stopped in the middle; <see cref="BpfBatchException.Completed"/> tells where.</exception>
    public int DeleteBatch(ReadOnlySpan<TKey> keys)
    {
        using var lease = new HandleLease(Map);
        int deleted = 0;
        int position = 0;
        while (position < keys.Length)
        {
            uint count = (uint)(keys.Length - position);
            bpf_map_batch_opts options = new() { sz = (nuint)sizeof(bpf_map_batch_opts) };
            int result;
            fixed (TKey* first = keys[position..])
            {
                result = LibBpf.bpf_map_delete_batch(lease.Descriptor, first, &count, &options);
            }

            if (OperationSupport.IsMissing(result))
            {
                return deleted + DeleteSingly(keys[position..]);
            }

            int completed = result < 0 ? OperationSupport.Completed(count, keys.Length - position) : keys.Length - position;
            deleted += completed;
            position += completed;
            if (result == -LibC.ENOENT)
            {
                position++;
            }
            else if (result < 0)
            {
                throw new BpfBatchException("delete from map", Map.Name, -result, position, keys.Length);
            }
        }

        return deleted;
    }

    /// <summary>
    /// All elements, in no order, read in batches where the kernel can. An element that is there all the while comes exactly once;
    /// one that is put in or removed meanwhile comes once or not at all, and one that is replaced with its old or new value.
    /// </summary>
    public IEnumerable<KeyValuePair<TKey, TValue>> Enumerate()
        => Map.Type == BpfMapType.LpmTrie ? new KeyWalk<TKey, TValue>(this) : new BatchWalk<TKey, TValue>(this);

    private int UpdateElement(in TKey key, in TValue value, BpfUpdateMode mode)
    {
        using var lease = new HandleLease(Map);
        fixed (TKey* keyPointer = &key)
        fixed (TValue* valuePointer = &value)
        {
            return LibBpf.bpf_map_update_elem(lease.Descriptor, keyPointer, valuePointer, (ulong)mode);
        }
    }

    private void UpdateSingly(ReadOnlySpan<TKey> keys, ReadOnlySpan<TValue> values)
    {
        for (int i = 0; i < keys.Length; i++)
        {
            int result = UpdateElement(in keys[i], in values[i], BpfUpdateMode.Any);
            if (result < 0)
            {
                throw new BpfBatchException("update map", Map.Name, -result, i, keys.Length);
            }
        }
    }

    private int DeleteSingly(ReadOnlySpan<TKey> keys)
    {
        int deleted = 0;
        foreach (ref readonly var key in keys)
        {
            deleted += TryDelete(in key) ? 1 : 0;
        }

        return deleted;
    }
}
