using System.Runtime.CompilerServices;

namespace LibBpfSharp;

/// <summary>A view of an array with a value for each possible CPU. It does not own the map.</summary>
/// <typeparam name="TValue">The value.</typeparam>
public sealed unsafe class BpfPerCpuArrayMap<TValue>
    where TValue : unmanaged
{
    private readonly int _stride = MapLayout.Stride(sizeof(TValue));

    /// <summary>Looks at <paramref name="map"/> as a per-CPU array of <typeparamref name="TValue"/>.</summary>
    /// <exception cref="InvalidDataException">The map is not a per-CPU array, or its values are of another size.</exception>
    public BpfPerCpuArrayMap(BpfMap map)
    {
        MapLayout.Require(map, [BpfMapType.PerCpuArray], sizeof(uint), sizeof(TValue));
        Map = map;
        CpuCount = LibBpf.libbpf_num_possible_cpus();
        BpfException.ThrowIfFailed(CpuCount, "count possible CPUs for map", map.Name);
    }

    /// <summary>The map.</summary>
    public BpfMap Map { get; }

    /// <summary>How many elements there are.</summary>
    public int Length => checked((int)Map.MaxEntries);

    /// <summary>How many CPUs the kernel can have, those that are off or missing included.</summary>
    public int CpuCount { get; }

    /// <summary>The values of element <paramref name="index"/>, one for each possible CPU.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public TValue[] Read(int index)
    {
        var values = new TValue[CpuCount];
        Read(index, values);
        return values;
    }

    /// <summary>Reads the values of element <paramref name="index"/> into <paramref name="values"/>, of length <see cref="CpuCount"/>.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public void Read(int index, Span<TValue> values)
    {
        uint key = Key(index, values.Length);
        byte[] buffer = new byte[CpuCount * _stride];
        fixed (byte* bytes = buffer)
        {
            using var lease = new HandleLease(Map);
            BpfException.ThrowIfFailed(LibBpf.bpf_map_lookup_elem(lease.Descriptor, &key, bytes), "look up in map", Map.Name);
            for (int cpu = 0; cpu < CpuCount; cpu++)
            {
                values[cpu] = Unsafe.ReadUnaligned<TValue>(bytes + (cpu * _stride));
            }
        }
    }

    /// <summary>Writes the values of element <paramref name="index"/>, one for each possible CPU.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public void Write(int index, ReadOnlySpan<TValue> values)
    {
        uint key = Key(index, values.Length);
        byte[] buffer = new byte[CpuCount * _stride];
        fixed (byte* bytes = buffer)
        {
            for (int cpu = 0; cpu < CpuCount; cpu++)
            {
                Unsafe.WriteUnaligned(bytes + (cpu * _stride), values[cpu]);
            }

            using var lease = new HandleLease(Map);
            BpfException.ThrowIfFailed(LibBpf.bpf_map_update_elem(lease.Descriptor, &key, bytes, 0), "update map", Map.Name);
        }
    }

    private uint Key(int index, int valueCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, Map.MaxEntries, nameof(index));
        ArgumentOutOfRangeException.ThrowIfNotEqual(valueCount, CpuCount, "values.Length");
        return (uint)index;
    }
}
