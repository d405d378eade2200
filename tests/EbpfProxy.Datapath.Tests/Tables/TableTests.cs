using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.Tests.Sync;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.Tables;

/// <summary>Tables over real maps, when something fails in the middle.</summary>
public sealed class TableTests : IDisposable
{
    private readonly ScratchBpffs _bpffs = new();

    public void Dispose() => _bpffs.Dispose();

    [KernelFact]
    public void Array_whose_larger_map_cannot_be_pinned_writes_to_the_map_that_programs_read()
    {
        using var map = Create(BpfMapType.Array, BpfMapFlags.MemoryMappable | BpfMapFlags.InnerMap);
        using var slot = CreateSlot(map);
        var pins = new PinFolder(Path.Combine(_bpffs.Path, "pins"));
        pins.Replace("table", map);
        using var table = new ArrayTable<ulong>("table", map, new BpfMapArray(slot), pins, default);
        table.Write(0, 1);
        Directory.Delete(pins.Path, recursive: true);

        Assert.ThrowsAny<IOException>(() => table.EnsureCapacity(5));
        table.Write(4, 5);

        using var read = BpfMap.FromId(new BpfMapArray(slot).GetId(0));
        var rows = new BpfArrayMap<ulong>(read);
        Assert.Equal((1ul, 5ul), (rows[0], rows[4]));

        // The next start opens the pin: it follows as soon as it can.
        Directory.CreateDirectory(pins.Path);
        table.EnsureCapacity(5);
        using var pinned = pins.TryOpenMap("table");
        Assert.Equal(read.Id, pinned?.Id);
    }

    [KernelFact]
    public void Tally_that_grows_keeps_what_programs_add_meanwhile()
    {
        using var map = CreateTallies();
        using var slot = CreateSlot(map);
        using var programs = new BpfArrayMap<TallyValue>(map).MemoryMap();
        programs[1] = new TallyValue { Opened = 3, Closed = 1 };
        var pins = new PinFolder(Path.Combine(_bpffs.Path, "pins"));
        using var table = new AddingTable(map, new BpfMapArray(slot), pins, () => programs[1] = new TallyValue { Opened = 4, Closed = 1, BytesSent = 9 });

        table.EnsureCapacity(5);

        Assert.Equal(new TallyValue { Opened = 4, Closed = 1, BytesSent = 9 }, table.Read(1));
        table.Close(new ConnectionValue { Service = 1, BytesAsk = 1, BytesAnswer = 2 });
        table.Close(new ConnectionValue { Service = 1, IsOver = 1 });
        Assert.Equal(new TallyValue { Opened = 4, Closed = 2, BytesSent = 10, BytesReceived = 2 }, table.Read(1));
    }

    [KernelFact]
    public void Table_that_the_kernel_does_not_double_has_what_is_needed()
    {
        using var map = CreateTallies();
        using var slot = CreateSlot(map);
        using var table = new NarrowTable(map, new BpfMapArray(slot), new PinFolder(Path.Combine(_bpffs.Path, "pins")), limit: 3);

        table.EnsureCapacity(3);

        Assert.Equal(3u, table.Capacity);
        Assert.ThrowsAny<IOException>(() => table.EnsureCapacity(4));
        Assert.Equal(3u, table.Capacity);
    }

    [KernelFact]
    public void Hash_that_a_batch_overfilled_knows_how_full_it_is()
    {
        using var map = Create(BpfMapType.Hash, default);
        using var slot = CreateSlot(map);
        var pins = new PinFolder(Path.Combine(_bpffs.Path, "pins"));
        using var table = new HashTable<uint, ulong>("table", map, new BpfMapArray(slot), pins, default, new FakeGracePeriods());

        // Someone else's rows, which the table did not count.
        var rows = new BpfHashMap<uint, ulong>(map);
        Array.ForEach([1u, 2u, 3u], key => rows.Update(key, 0));
        Assert.ThrowsAny<IOException>(() => table.AddBatch([11, 12, 13], [0, 0, 0]));

        Assert.Equal(table.ReadAll().Count(), table.Count);
        table.AddBatch([21, 22, 23], [0, 0, 0]);
        Assert.Equal(table.ReadAll().Count(), table.Count);
    }

    /// <summary>The kernel puts a new row where the old one was, and a program may still be reading that.</summary>
    [KernelTheory]
    [InlineData("removed")]
    [InlineData("replaced")]
    public void Row_is_put_in_only_a_grace_period_after_another_was_removed_or_replaced(string what)
    {
        using var map = Create(BpfMapType.Hash, default);
        using var slot = CreateSlot(map);
        var gracePeriods = new FakeGracePeriods { AreImmediate = false };
        using var table = new HashTable<uint, ulong>(
            "table", map, new BpfMapArray(slot), new PinFolder(Path.Combine(_bpffs.Path, "pins")), default, gracePeriods);
        table.Put(1, 1);
        if (what == "removed")
        {
            table.Remove(1);
        }
        else
        {
            table.Put(1, 2);
        }

        long first = gracePeriods.Request() - 1;
        Assert.False(gracePeriods.IsOver(first));
        table.Put(2, 2);

        Assert.True(gracePeriods.IsOver(first));
    }

    /// <summary>A program adds in the moment between the copy and the change of tables.</summary>
    private sealed class AddingTable(BpfMap map, BpfMapArray slot, PinFolder pins, Action add) : TallyTable("tallies", map, slot, pins, default)
    {
        protected override void CopyTo(BpfMap larger)
        {
            base.CopyTo(larger);
            add();
        }
    }

    /// <summary>One for which the kernel has memory up to a limit.</summary>
    private sealed class NarrowTable(BpfMap map, BpfMapArray slot, PinFolder pins, uint limit) : TallyTable("tallies", map, slot, pins, default)
    {
        protected override void CopyTo(BpfMap larger)
        {
            if (larger.MaxEntries > limit)
            {
                throw new IOException("Cannot allocate memory");
            }

            base.CopyTo(larger);
        }
    }

    private static BpfMap CreateTallies() => BpfMap.Create(new BpfMapOptions
    {
        Name = "tallies",
        Type = BpfMapType.Array,
        KeySize = 4,
        ValueSize = 64,
        MaxEntries = 2,
        Flags = BpfMapFlags.MemoryMappable | BpfMapFlags.InnerMap,
    });

    private static BpfMap Create(BpfMapType type, BpfMapFlags flags) => BpfMap.Create(
        new BpfMapOptions { Name = "table", Type = type, KeySize = 4, ValueSize = 8, MaxEntries = 4, Flags = flags });

    private static BpfMap CreateSlot(BpfMap map)
    {
        var slot = BpfMap.Create(
            new BpfMapOptions { Name = "slot", Type = BpfMapType.ArrayOfMaps, KeySize = 4, ValueSize = 4, MaxEntries = 1, InnerMap = map });
        new BpfMapArray(slot).Set(0, map);
        return slot;
    }
}
