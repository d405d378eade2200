using EbpfProxy.Datapath.Tables;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.Tables;

/// <summary>A table that programs write, on a kernel with little memory.</summary>
public sealed class ProgramTableTests : IDisposable
{
    private readonly ScratchBpffs _bpffs = new();
    private readonly StoppedClock _time = new();
    private readonly BpfMap _map = BpfMap.Create(
        new BpfMapOptions { Name = "table", Type = BpfMapType.Hash, KeySize = 4, ValueSize = 8, MaxEntries = 8 });

    private readonly BpfMap _slot;
    private readonly PinFolder _pins;

    public ProgramTableTests()
    {
        _slot = BpfMap.Create(
            new BpfMapOptions { Name = "slot", Type = BpfMapType.ArrayOfMaps, KeySize = 4, ValueSize = 4, MaxEntries = 2, InnerMap = _map });
        new BpfMapArray(_slot).Set(0, _map);
        _pins = new PinFolder(_bpffs["pins"]);
        _pins.Replace("table", _map);
    }

    public void Dispose()
    {
        _slot.Dispose();
        _map.Dispose();
        _bpffs.Dispose();
    }

    [KernelFact]
    public void Table_that_the_kernel_does_not_double_grows_by_less()
    {
        var table = Open(room: 15);
        table.TryAdd(1, 1);

        table.Grow(5);
        table.Move();

        Assert.Equal(13u, table.Capacity);
        Assert.Equal([new(1, 1)], table.ReadAll());
        Assert.Equal(["grown to 13"], table.Told);
    }

    [KernelFact]
    public void Refused_growth_is_told_once_and_tried_again_after_longer_and_longer_pauses()
    {
        var table = Open(room: 8);
        List<int> tries = [];
        for (int second = 0; second < 200; second++)
        {
            bool isDue = table.CanGrow;
            int before = table.Tries;
            table.Grow(5);
            Assert.Equal(isDue, table.Tries > before);
            if (isDue)
            {
                tries.Add(second);
            }

            _time.Advance(seconds: 1);
        }

        Assert.Equal([0, 2, 6, 14, 30, 62, 122, 182], tries);
        Assert.Equal(["no memory for 13"], table.Told);

        table.Room = 20;
        _time.Advance(seconds: 60);
        table.Grow(5);

        Assert.Equal(20u, table.Capacity);
        Assert.Equal(["no memory for 13", "grown to 20"], table.Told);
    }

    [KernelFact]
    public void Pin_that_a_killed_daemon_left_of_a_table_whose_rows_had_moved_holds_it_no_longer()
    {
        _pins.Replace("table-previous", _map);

        Open(room: 8);

        Assert.False(_pins.Has("table-previous"));
        Assert.True(_pins.Has("table"));
    }

    [KernelFact]
    public void Pin_of_a_table_whose_rows_have_not_all_moved_stays()
    {
        using var before = BpfMap.Create(
            new BpfMapOptions { Name = "table", Type = BpfMapType.Hash, KeySize = 4, ValueSize = 8, MaxEntries = 4 });
        new BpfMapArray(_slot).Set(1, before);
        _pins.Replace("table-previous", before);

        var table = Open(room: 8);

        Assert.True(table.IsMoving);
        Assert.True(_pins.Has("table-previous"));
    }

    private Table Open(uint room) => new(_map, new BpfMapArray(_slot), _pins, _time) { Room = room };

    /// <summary>One for which the kernel has memory up to <see cref="Room"/>.</summary>
    private sealed class Table(BpfMap map, BpfMapArray slot, PinFolder pins, TimeProvider time)
        : ProgramTable<uint, ulong>("table", map, slot, pins, default, time)
    {
        public uint Room { get; set; }

        public int Tries { get; private set; }

        public List<string> Told { get; } = [];

        protected override long Limit => 1000;

        protected override BpfMap Make(uint capacity)
        {
            Tries++;
            return capacity <= Room ? base.Make(capacity) : throw new IOException($"no memory for {capacity}");
        }

        protected override void LogGrown() => Told.Add($"grown to {Capacity}");

        protected override void LogNotGrown(string reason) => Told.Add(reason);

        protected override void LogAtLimit() => Told.Add("at its limit");
    }
}
