namespace LibBpfSharp;

/// <summary>A view of a queue: first in, first out. It does not own the map.</summary>
/// <typeparam name="TValue">The value.</typeparam>
public sealed unsafe class BpfQueueMap<TValue>
    where TValue : unmanaged
{
    /// <summary>Looks at <paramref name="map"/> as a queue of <typeparamref name="TValue"/>.</summary>
    /// <exception cref="ArgumentException">The map is not a queue, or its values are of another size.</exception>
    public BpfQueueMap(BpfMap map)
    {
        MapLayout.Require(map, [BpfMapType.Queue], 0, sizeof(TValue));
        Map = map;
    }

    /// <summary>The map.</summary>
    public BpfMap Map { get; }

    /// <summary>Adds a value behind the others. Returns whether there was room.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool TryPush(TValue value)
    {
        using var lease = new HandleLease(Map);
        return Push(lease.Descriptor, value);
    }

    /// <summary>Adds values behind the others, in order. Returns how many there was room for.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public int Push(ReadOnlySpan<TValue> values)
    {
        using var lease = new HandleLease(Map);
        for (int i = 0; i < values.Length; i++)
        {
            if (!Push(lease.Descriptor, values[i]))
            {
                return i;
            }
        }

        return values.Length;
    }

    /// <summary>Takes the first value out; false where there is none.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool TryPop(out TValue value)
    {
        value = default;
        using var lease = new HandleLease(Map);
        int result;
        fixed (TValue* place = &value)
        {
            result = LibBpf.bpf_map_lookup_and_delete_elem(lease.Descriptor, null, place);
        }

        if (result < 0 && result != -LibC.ENOENT)
        {
            BpfException.Throw("take from queue", Map.Name, result);
        }

        return result >= 0;
    }

    private bool Push(int descriptor, TValue value)
    {
        int result = LibBpf.bpf_map_update_elem(descriptor, null, &value, 0);
        if (result < 0 && result != -LibC.E2BIG)
        {
            BpfException.Throw("add to queue", Map.Name, result);
        }

        return result >= 0;
    }
}
