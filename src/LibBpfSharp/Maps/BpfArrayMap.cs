namespace LibBpfSharp;

/// <summary>A view of an array. It does not own the map. Elements are always there, at first zero.</summary>
/// <typeparam name="TValue">The value.</typeparam>
public sealed unsafe class BpfArrayMap<TValue>
    where TValue : unmanaged
{
    /// <summary>Looks at <paramref name="map"/> as an array of <typeparamref name="TValue"/>.</summary>
    /// <exception cref="InvalidDataException">The map is not an array, or its values are of another size.</exception>
    public BpfArrayMap(BpfMap map)
    {
        MapLayout.Require(map, [BpfMapType.Array], sizeof(uint), sizeof(TValue));
        Map = map;
    }

    /// <summary>The map.</summary>
    public BpfMap Map { get; }

    /// <summary>How many elements there are.</summary>
    public int Length => checked((int)Map.MaxEntries);

    /// <summary>One element, read or written by a system call. Another CPU may see an element of more than 8 bytes half written.</summary>
    /// <exception cref="BpfException">The kernel refused it, for example because the map is frozen (EPERM).</exception>
    public TValue this[int index]
    {
        get
        {
            uint key = Key(index);
            TValue value = default;
            using var lease = new HandleLease(Map);
            int result = LibBpf.bpf_map_lookup_elem(lease.Descriptor, &key, &value);
            BpfException.ThrowIfFailed(result, "look up in map", Map.Name);
            return value;
        }

        set
        {
            uint key = Key(index);
            using var lease = new HandleLease(Map);
            BpfException.ThrowIfFailed(LibBpf.bpf_map_update_elem(lease.Descriptor, &key, &value, 0), "update map", Map.Name);
        }
    }

    /// <summary>Reads the elements from <paramref name="start"/> on into <paramref name="values"/>, with few system calls where the kernel can.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public void Read(int start, Span<TValue> values)
    {
        RequireRange(start, values.Length);
        if (values.IsEmpty)
        {
            return;
        }

        uint[] keys = new uint[values.Length];
        uint before = (uint)start - 1;
        uint last;
        uint count = (uint)values.Length;
        int result;
        using (var lease = new HandleLease(Map))
        {
            bpf_map_batch_opts options = new() { sz = (nuint)sizeof(bpf_map_batch_opts) };
            fixed (uint* firstKey = keys)
            fixed (TValue* firstValue = values)
            {
                result = LibBpf.bpf_map_lookup_batch(
                    lease.Descriptor, start == 0 ? null : &before, &last, firstKey, firstValue, &count, &options);
            }
        }

        // ENOENT only says that these were the last ones.
        if (result >= 0 || (result == -LibC.ENOENT && count == values.Length))
        {
            return;
        }

        if (!OperationSupport.IsMissing(result))
        {
            BpfException.Throw("read map", Map.Name, result);
        }

        for (int i = 0; i < values.Length; i++)
        {
            values[i] = this[start + i];
        }
    }

    /// <summary>Writes elements from <paramref name="start"/> on, in order, with few system calls where the kernel can.</summary>
    /// <exception cref="BpfBatchException">It stopped in the middle; <see cref="BpfBatchException.Completed"/> tells where.</exception>
    public void Write(int start, ReadOnlySpan<TValue> values)
    {
        RequireRange(start, values.Length);
        if (values.IsEmpty)
        {
            return;
        }

        uint[] keys = new uint[values.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = (uint)(start + i);
        }

        uint count = (uint)values.Length;
        int result;
        using (var lease = new HandleLease(Map))
        {
            bpf_map_batch_opts options = new() { sz = (nuint)sizeof(bpf_map_batch_opts) };
            fixed (uint* firstKey = keys)
            fixed (TValue* firstValue = values)
            {
                result = LibBpf.bpf_map_update_batch(lease.Descriptor, firstKey, firstValue, &count, &options);
            }
        }

        if (OperationSupport.IsMissing(result))
        {
            for (int i = 0; i < values.Length; i++)
            {
                this[start + i] = values[i];
            }
        }
        else if (result < 0)
        {
            throw new BpfBatchException("write map", Map.Name, -result, OperationSupport.Completed(count, values.Length), values.Length);
        }
    }

    /// <summary>Maps the array into this process's memory, for reading and writing without system calls.</summary>
    /// <exception cref="InvalidOperationException">The array was not created with <see cref="BpfMapFlags.MemoryMappable"/>.</exception>
    /// <exception cref="BpfException">The kernel refused it, for example because the map is frozen (EPERM).</exception>
    public BpfMappedArray<TValue> MemoryMap() => new(Map);

    /// <summary>The same for a part of it: what of a map is mapped counts to this process's resident memory.</summary>
    /// <inheritdoc cref="MemoryMap()" path="/exception"/>
    public BpfMappedArray<TValue> MemoryMap(int first, int count)
    {
        RequireRange(first, count);
        return new(Map, first, count);
    }

    private uint Key(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, Map.MaxEntries, nameof(index));
        return (uint)index;
    }

    private void RequireRange(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)start + length, Map.MaxEntries, nameof(start));
    }
}
