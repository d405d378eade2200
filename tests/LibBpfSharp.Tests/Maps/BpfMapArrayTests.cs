using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Maps;

public sealed class BpfMapArrayTests
{
    [KernelFact]
    public void A_program_sees_the_map_that_was_put_into_the_slot()
    {
        using var sample = Sample.Load();
        var slots = new BpfMapArray(sample.GetMap("numbers_slot").Map);
        var program = sample.GetProgram("read_number").Program;
        var first = new BpfArrayMap<Pair>(sample.GetMap("numbers").Map);
        first[1] = new Pair(0, 10);
        using var larger = BpfMap.Create(Numbers(maxEntries: 4096));
        new BpfArrayMap<Pair>(larger)[1] = new Pair(0, 20);

        uint before = Run(program);
        slots.Set(0, larger);
        uint after = Run(program);

        Assert.Equal((10u, 20u), (before, after));
        Assert.Equal(larger.Id, slots.GetId(0));
        using var opened = BpfMap.FromId(slots.GetId(0));
        Assert.Equal(4096u, opened.MaxEntries);
    }

    [KernelFact]
    public void An_empty_slot_has_no_id()
    {
        using var sample = Sample.Load();
        var slots = new BpfMapArray(sample.GetMap("numbers_slot").Map);

        Assert.False(slots.TryGetId(1, out _));
        Assert.Equal(LibC.ENOENT, Assert.Throws<BpfException>(() => slots.GetId(1)).Errno);
        Assert.True(slots.Clear(0));
        Assert.False(slots.Clear(0));
        Assert.Equal(uint.MaxValue, Run(sample.GetProgram("read_number").Program));
    }

    [KernelFact]
    public void A_map_of_another_shape_is_refused()
    {
        using var sample = Sample.Load();
        var slots = new BpfMapArray(sample.GetMap("numbers_slot").Map);

        var failure = Assert.Throws<BpfException>(() => slots.Set(0, sample.GetMap("table").Map));

        Assert.Equal("put map \"table\" into slot 0 of \"numbers_slot\": EINVAL (Invalid argument)", failure.Message);
    }

    [KernelFact]
    public void An_array_of_maps_can_be_made_without_an_object()
    {
        using var inner = BpfMap.Create(new BpfMapOptions { Type = BpfMapType.Array, KeySize = 4, ValueSize = 8, MaxEntries = 1 });
        using var outer = BpfMap.Create(new BpfMapOptions
        {
            Type = BpfMapType.ArrayOfMaps,
            KeySize = 4,
            ValueSize = 4,
            MaxEntries = 1,
            InnerMap = inner,
        });

        new BpfMapArray(outer).Set(0, inner);

        Assert.Equal(inner.Id, new BpfMapArray(outer).GetId(0));
    }

    [KernelFact]
    public void An_object_that_reuses_an_array_of_maps_leaves_its_slots_alone()
    {
        using var inner = BpfMap.Create(Numbers(maxEntries: 9));
        new BpfArrayMap<Pair>(inner)[1] = new Pair(0, 30);
        using var outer = BpfMap.Create(new BpfMapOptions
        {
            Type = BpfMapType.ArrayOfMaps,
            KeySize = 4,
            ValueSize = 4,
            MaxEntries = 2,
            InnerMap = inner,
        });
        new BpfMapArray(outer).Set(0, inner);

        using var sample = Sample.Load(sample =>
        {
            sample.GetMap("numbers_slot").Reuse(outer);
            sample.GetMap("numbers").AutoCreate = false;
        });

        Assert.Equal(inner.Id, new BpfMapArray(outer).GetId(0));
        Assert.Equal(30u, Run(sample.GetProgram("read_number").Program));
        Assert.Throws<InvalidOperationException>(() => sample.GetMap("numbers").Map);
    }

    [KernelFact]
    public void A_grace_period_ends()
    {
        using var grace = new BpfGracePeriod();

        grace.Wait();
        grace.Wait();
    }

    private static BpfMapOptions Numbers(uint maxEntries) => new()
    {
        Type = BpfMapType.Array,
        Name = "numbers",
        KeySize = 4,
        ValueSize = 8,
        MaxEntries = maxEntries,
        Flags = BpfMapFlags.MemoryMappable | BpfMapFlags.InnerMap,
    };

    private static uint Run(BpfProgram program) => program.TestRun(new BpfTestRunOptions { Packet = Sample.Packet(64) }).ReturnValue;
}
