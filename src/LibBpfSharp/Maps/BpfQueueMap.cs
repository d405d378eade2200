namespace LibBpfSharp;

/// <summary>
/// A view of a queue or a stack. It does not own the map. Each call is atomic; it is safe to use from several threads.
/// </summary>
/// <typeparam name="TValue">The value.</typeparam>
public sealed unsafe class BpfQueueMap<TValue>
    where TValue : unmanaged
{
    /// <summary>Looks at <paramref name="map"/> as a queue of <typeparamref name="TValue"/>.</summary>
    /// <exception cref="InvalidDataException">The map is of another type, or its values are of another size.</exception>
    public BpfQueueMap(BpfMap map)
    {
        MapLayout.Require(map, [BpfMapType.Queue, BpfMapType.Stack], 0, sizeof(TValue));
        Map = map;
    }

    /// <summary>The map.</summary>
    public BpfMap Map { get; }

    /// <summary>Puts in an element. Returns whether there was room.</summary>
    /// <exception cref="BpfException">The kernel refused it for another reason than a full queue.</exception>
    public bool TryPush(in TValue value)
    {
        using var lease = new HandleLease(Map);
        int result;
        fixed (TValue* pointer = &value)
        {
            result = LibBpf.bpf_map_update_elem(lease.Descriptor, null, pointer, 0);
        }

        if (result < 0 && result != -LibC.E2BIG)
        {
            BpfException.Throw("push to map", Map.Name, result);
        }

        return result >= 0;
    }

    /// <summary>Puts in elements, in order. Returns how many there was room for.</summary>
    /// <exception cref="BpfException">The kernel refused it for another reason than a full queue.</exception>
    public int Push(ReadOnlySpan<TValue> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!TryPush(values[i]))
            {
                return i;
            }
        }

        return values.Length;
    }

    /// <summary>Takes out the next element. Returns whether there was one.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool TryPop(out TValue value)
    {
        using var lease = new HandleLease(Map);
        int result;
        fixed (TValue* pointer = &value)
        {
            result = LibBpf.bpf_map_lookup_and_delete_elem(lease.Descriptor, null, pointer);
        }

        return Found(result, "pop from map");
    }

    /// <summary>Looks at the next element and leaves it there. Returns whether there is one.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool TryPeek(out TValue value)
    {
        using var lease = new HandleLease(Map);
        int result;
        fixed (TValue* pointer = &value)
        {
            result = LibBpf.bpf_map_lookup_elem(lease.Descriptor, null, pointer);
        }

        return Found(result, "peek into map");
    }

    private bool Found(int result, string operation)
    {
        if (result < 0 && result != -LibC.ENOENT)
        {
            BpfException.Throw(operation, Map.Name, result);
        }

        return result >= 0;
    }
}
