using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Maps;

public sealed class BpfArrayMapTests
{
    [KernelFact]
    public void Elements_are_read_and_written_one_by_one()
    {
        using var map = Create(4, 3);
        var view = new BpfArrayMap<uint>(map);

        view[2] = 22;

        Assert.Equal((3, 0u, 22u), (view.Length, view[0], view[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => view[3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => view[-1] = 1);
    }

    [KernelTheory]
    [InlineData(0, 5)]
    [InlineData(1, 3)]
    [InlineData(4, 1)]
    [InlineData(5, 0)]
    public void Ranges_are_written_and_read(int start, int count)
    {
        using var map = Create(4, 5);
        var view = new BpfArrayMap<uint>(map);
        uint[] written = [.. Enumerable.Range(100, count).Select(i => (uint)i)];
        uint[] read = new uint[count];

        view.Write(start, written);
        view.Read(start, read);

        Assert.Equal(written, read);
        Assert.All(Enumerable.Range(0, start), index => Assert.Equal(0u, view[index]));
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Read(start, new uint[count + 6]));
    }

    [KernelFact]
    public void Mapped_memory_is_the_map_itself()
    {
        using var map = Create(8, 1000, BpfMapFlags.MemoryMappable);
        var view = new BpfArrayMap<Pair>(map);
        using var memory = view.MemoryMap();

        memory[999] = new Pair(1, 2);
        view[0] = new Pair(3, 4);

        Assert.Equal(new Pair(1, 2), view[999]);
        Assert.Equal(new Pair(3, 4), memory.Span[0]);
        Assert.Equal(1000, memory.Span.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory[1000]);
    }

    [KernelFact]
    public void Mapped_values_of_an_odd_size_stand_eight_bytes_apart()
    {
        using var map = Create(4, 5000, BpfMapFlags.MemoryMappable);
        var view = new BpfArrayMap<uint>(map);
        using var memory = view.MemoryMap();

        memory[4999] = 7;

        Assert.Equal((0u, 7u), (view[4998], view[4999]));
        Assert.Throws<InvalidOperationException>(() => memory.Span.Length);
    }

    [KernelFact]
    public void Mapped_memory_ends_with_its_object_only()
    {
        using var map = Create(8, 1, BpfMapFlags.MemoryMappable);
        var memory = new BpfArrayMap<ulong>(map).MemoryMap();
        map.Dispose();

        memory[0] = 5;
        Assert.Equal(5ul, memory[0]);
        memory.Dispose();

        Assert.Throws<ObjectDisposedException>(() => memory[0]);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
    }

    [KernelFact]
    public void A_map_that_was_not_made_for_it_is_not_mapped()
    {
        using var map = Create(8, 1);

        Assert.Throws<InvalidOperationException>(() => new BpfArrayMap<ulong>(map).MemoryMap());
    }

    private static BpfMap Create(uint valueSize, uint maxEntries, BpfMapFlags flags = BpfMapFlags.None)
        => BpfMap.Create(new BpfMapOptions
        {
            Type = BpfMapType.Array,
            KeySize = 4,
            ValueSize = valueSize,
            MaxEntries = maxEntries,
            Flags = flags,
        });
}
