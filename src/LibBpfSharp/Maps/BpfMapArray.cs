namespace LibBpfSharp;

/// <summary>
/// A view of an array of maps. It does not own the map. A map that stands in a slot lives on when it is closed everywhere else.
/// </summary>
public sealed unsafe class BpfMapArray
{
    /// <summary>Looks at <paramref name="map"/> as an array of maps.</summary>
    /// <exception cref="InvalidDataException">It is not one.</exception>
    public BpfMapArray(BpfMap map)
    {
        MapLayout.Require(map, [BpfMapType.ArrayOfMaps], sizeof(uint), sizeof(uint));
        Map = map;
    }

    /// <summary>The map.</summary>
    public BpfMap Map { get; }

    /// <summary>How many slots there are.</summary>
    public int Length => checked((int)Map.MaxEntries);

    /// <summary>
    /// Puts <paramref name="inner"/> into a slot, atomically. When this returns, no program that runs still uses the map that was
    /// there before (Linux 5.0 and later wait for that).
    /// </summary>
    /// <exception cref="BpfException">For example EINVAL: the map is not like those that the array was made for.</exception>
    public void Set(int index, BpfMap inner)
    {
        ArgumentNullException.ThrowIfNull(inner);
        uint key = Key(index);
        using var lease = new HandleLease(Map);
        using var innerLease = new HandleLease(inner);
        uint descriptor = (uint)innerLease.Descriptor;
        BpfException.ThrowIfFailed(
            LibBpf.bpf_map_update_elem(lease.Descriptor, &key, &descriptor, 0), "put map", inner.Name, $"into slot {index} of \"{Map.Name}\"");
    }

    /// <summary>The kernel's id of the map in a slot.</summary>
    /// <exception cref="BpfException">For example ENOENT: the slot is empty.</exception>
    public uint GetId(int index)
    {
        if (!TryGetId(index, out uint id))
        {
            BpfException.Throw("look up in map", Map.Name, -LibC.ENOENT, $"at slot {index}");
        }

        return id;
    }

    /// <summary>The kernel's id of the map in a slot. Returns whether there is one.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool TryGetId(int index, out uint id)
    {
        uint key = Key(index);
        uint found = 0;
        using var lease = new HandleLease(Map);
        int result = LibBpf.bpf_map_lookup_elem(lease.Descriptor, &key, &found);
        id = found;
        if (result < 0 && result != -LibC.ENOENT)
        {
            BpfException.Throw("look up in map", Map.Name, result, $"at slot {index}");
        }

        return result >= 0;
    }

    /// <summary>Empties a slot. Returns whether there was a map.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public bool Clear(int index)
    {
        uint key = Key(index);
        using var lease = new HandleLease(Map);
        int result = LibBpf.bpf_map_delete_elem(lease.Descriptor, &key);
        if (result < 0 && result != -LibC.ENOENT)
        {
            BpfException.Throw("delete from map", Map.Name, result, $"at slot {index}");
        }

        return result >= 0;
    }

    private uint Key(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, Map.MaxEntries, nameof(index));
        return (uint)index;
    }
}
