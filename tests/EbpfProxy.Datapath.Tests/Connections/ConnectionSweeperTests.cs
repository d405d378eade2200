using System.Runtime.CompilerServices;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.Tests.Sync;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tests.Connections;

/// <summary>On real maps, with a clock that the test moves.</summary>
public sealed class ConnectionSweeperTests : IDisposable
{
    private const int Capacity = 64;

    private static readonly TimeoutsValue _timeouts = new(
        TcpSyn: 120, TcpEstablished: 86400, TcpCloseWait: 3600, TcpClosing: 120, TcpClosed: 10, Udp: 30, UdpStream: 120, Sctp: 210);

    private readonly BpfMap[] _maps =
    [
        Make("connections", BpfMapType.Array, 4, 128, BpfMapFlags.MemoryMappable),
        Make("flows", BpfMapType.Hash, 40, 8),
        Make("free", BpfMapType.Queue, 0, 4),
        Make("unanswered", BpfMapType.Queue, 0, 8),
        Make("closing", BpfMapType.Queue, 0, 8),
        Make("state", BpfMapType.Array, 4, (uint)Unsafe.SizeOf<PathState>(), BpfMapFlags.MemoryMappable),
    ];

    private readonly BpfMappedArray<ConnectionValue> _connections;
    private readonly ConnectionMaps _table;
    private readonly FakeGracePeriods _gracePeriods = new();
    private readonly StoppedClock _clock = new();
    private readonly ConnectionSweeper _sweeper;
    private readonly List<ConnectionValue> _freed = [];
    private bool _hasFrontend = true;

    public ConnectionSweeperTests()
    {
        _connections = new BpfArrayMap<ConnectionValue>(_maps[0]).MemoryMap();
        _table = new ConnectionMaps(_maps[0], _maps[1], _maps[2], _maps[3], _maps[4], _maps[5]);
        _sweeper = new ConnectionSweeper(_table, _gracePeriods, _timeouts, new PortRange(1024, 29999), _clock, _freed.Add);
    }

    public void Dispose()
    {
        _table.Dispose();
        _connections.Dispose();
        Array.ForEach(_maps, map => map.Dispose());
    }

    [KernelTheory]
    [InlineData("established", 86400)]
    [InlineData("closed by one side", 3600)]
    [InlineData("closed by both", 120)]
    [InlineData("reset", 10)]
    public void Answered_connection_is_freed_after_its_time_and_not_before(string state, int seconds)
    {
        var (ask, answer) = state switch
        {
            "established" => (SeenFlags.Any | SeenFlags.Syn | SeenFlags.Ack, SeenFlags.Any | SeenFlags.Syn),
            "closed by one side" => (SeenFlags.Any | SeenFlags.Ack | SeenFlags.Fin, SeenFlags.Any | SeenFlags.Ack),
            "closed by both" => (SeenFlags.Any | SeenFlags.Ack | SeenFlags.Fin, SeenFlags.Any | SeenFlags.Fin),
            _ => (SeenFlags.Any | SeenFlags.Ack | SeenFlags.Rst, SeenFlags.Any | SeenFlags.Ack),
        };
        Open(3, ask, answer);

        _clock.Advance(seconds);
        Sweep(3);
        Assert.Empty(FreeIds());

        _clock.Advance(3);
        Sweep(3);
        Assert.Equal([3u], FreeIds());
        Assert.Empty(Flows());
        Assert.Single(_freed);
    }

    [KernelFact]
    public void Connection_is_freed_only_after_a_grace_period()
    {
        Open(5, SeenFlags.Any, SeenFlags.Any);
        _gracePeriods.AreImmediate = false;
        _clock.Advance(1000);

        Sweep(3);
        Assert.Empty(FreeIds());

        _gracePeriods.Elapse();
        Sweep(1);
        Assert.Equal([5u], FreeIds());
    }

    [KernelFact]
    public void Unanswered_connection_without_a_token_is_left_to_who_took_it()
    {
        Open(1, SeenFlags.Any, SeenFlags.None);
        Open(2, SeenFlags.Any, SeenFlags.None);
        _table.Unanswered.TryPush(new FlowWord(2, 1, FlowRole.Ask));
        _clock.Advance(1000);

        Sweep(3);

        Assert.Equal([2u], FreeIds());
    }

    [KernelFact]
    public void Closing_connection_with_a_token_is_freed_by_its_token()
    {
        Open(1, SeenFlags.Any | SeenFlags.Rst, SeenFlags.Any, ConnectionFlags.Closing);
        Open(2, SeenFlags.Any | SeenFlags.Rst, SeenFlags.Any, ConnectionFlags.Closing);
        _table.Closing.TryPush(new FlowWord(1, 1, FlowRole.Ask));
        _clock.Advance(500);

        Sweep(3);

        Assert.Equal([1u], FreeIds());
    }

    [KernelFact]
    public void Connection_that_packets_renew_does_not_keep_those_that_came_after_it()
    {
        Open(1, SeenFlags.Any, SeenFlags.None);
        Open(2, SeenFlags.Any, SeenFlags.None);
        _table.Unanswered.TryPush(new FlowWord(1, 1, FlowRole.Ask));
        _table.Unanswered.TryPush(new FlowWord(2, 1, FlowRole.Ask));
        _clock.Advance(25);
        _connections[1] = _connections[1] with { LastSeenNs = (ulong)_clock.GetTimestamp() };

        _clock.Advance(10);
        Sweep(3);
        Assert.Equal([2u], FreeIds());

        _clock.Advance(1000);
        Sweep(3);
        Assert.Equal([1u], FreeIds());
    }

    [KernelFact]
    public void Closing_connection_whose_token_is_gone_is_freed_long_after()
    {
        Open(1, SeenFlags.Any | SeenFlags.Rst, SeenFlags.Any, ConnectionFlags.Closing);

        _clock.Advance(100);
        Sweep(3);
        Assert.Empty(FreeIds());

        _clock.Advance(1000);
        Sweep(3);
        Assert.Equal([1u], FreeIds());
    }

    [KernelFact]
    public void Id_that_a_program_uses_again_meanwhile_is_not_freed()
    {
        Open(4, SeenFlags.Any, SeenFlags.Any, generation: 6);
        _gracePeriods.AreImmediate = false;
        Sweep(1);

        _connections[4] = _connections[4] with { Generation = 7 };
        _gracePeriods.Elapse();
        Sweep(2);

        Assert.Empty(FreeIds());
        Assert.Equal(7u, _connections[4].Generation);
    }

    [KernelFact]
    public void Token_of_an_earlier_connection_does_not_end_the_one_that_has_its_id_now()
    {
        Open(2, SeenFlags.Any, SeenFlags.None, generation: 3);
        _table.Unanswered.TryPush(new FlowWord(2, 1, FlowRole.Ask));
        _clock.Advance(1000);

        Sweep(3);

        Assert.Empty(FreeIds());
        Assert.Equal(3u, _connections[2].Generation);
    }

    /// <summary>A program began it anew after the sweeper had found the one before to be over.</summary>
    [KernelFact]
    public void End_of_a_generation_that_is_gone_ends_nothing()
    {
        Open(4, SeenFlags.Any, SeenFlags.Any, generation: 3);

        _table.End(4, 1);
        Assert.Equal(3u, _connections[4].Generation);

        _table.End(4, 3);
        Assert.Equal(4u, _connections[4].Generation);
    }

    [KernelFact]
    public void Row_that_another_connection_took_over_stays()
    {
        Open(6, SeenFlags.Any, SeenFlags.Any);
        var taken = ConnectionFlows.Of(_connections[6]).First().Key;
        _table.Flows.Update(taken, new FlowWord(9, 1, FlowRole.Ask));
        _clock.Advance(1000);

        Sweep(3);

        Assert.Equal([6u], FreeIds());
        Assert.Equal([taken], Flows());
    }

    /// <summary>A program that has taken a row puts another in its place an instant later.</summary>
    [KernelFact]
    public void Row_that_another_connection_is_just_taking_over_stays()
    {
        Open(6, SeenFlags.Any, SeenFlags.Any);
        _connections[6] = _connections[6] with { TakenRows = TakenRows.Return };
        var taken = ConnectionFlows.Of(_connections[6]).Single(row => row.Role == FlowRole.Return).Key;
        _clock.Advance(1000);

        Sweep(3);

        Assert.Equal([6u], FreeIds());
        Assert.Equal([taken], Flows());
        Assert.Equal(TakenRows.All, _connections[6].TakenRows);
    }

    /// <summary>A client that takes the port again at the moment when its last connection is swept.</summary>
    [KernelFact]
    public async Task Row_that_another_connection_takes_over_at_this_moment_stays()
    {
        Open(6, SeenFlags.Any, SeenFlags.Any);
        var key = ConnectionFlows.Of(_connections[6]).First().Key;
        var other = new FlowWord(7, 1, FlowRole.Ask);
        for (int round = 0; round < 5000; round++)
        {
            Open(6, SeenFlags.Any, SeenFlags.Any);
            _clock.Advance(1000);
            using var start = new Barrier(2);
            int spins = round * 7 % 20_000;
            var taking = Task.Run(
                () =>
                {
                    start.SignalAndWait();
                    Thread.SpinWait(spins);
                    _table.Flows.Update(key, other);
                },
                TestContext.Current.CancellationToken);
            start.SignalAndWait();
            Sweep(3);
            await taking;

            Assert.True(_table.Flows.TryGet(key, out var word) && word == other, $"lost in round {round}");
        }
    }

    [KernelFact]
    public void Programs_are_told_when_there_is_no_connection()
    {
        _table.State[0].IsInUse = 1;
        Open(0, SeenFlags.Any, SeenFlags.Any);

        Sweep(1);
        Assert.Equal((1u, 1), (_table.State[0].IsInUse, _sweeper.InUse));

        _clock.Advance(1000);
        Sweep(4);
        Assert.Equal((0u, 0), (_table.State[0].IsInUse, _sweeper.InUse));
    }

    /// <summary>The first one of a quiet node has the first id, which the pass under way has seen free.</summary>
    [KernelFact]
    public void Connection_that_begins_behind_the_sweep_is_not_forgotten()
    {
        _table.State[0].IsInUse = 1;
        _sweeper.Step(_sweeper.Capacity / 2, (_, _, _) => _hasFrontend);

        Open(0, SeenFlags.Any, SeenFlags.Any);
        _sweeper.Step(_sweeper.Capacity / 2, (_, _, _) => _hasFrontend);
        Assert.NotEqual(0u, _table.State[0].IsInUse);

        Sweep(2);
        Assert.NotEqual(0u, _table.State[0].IsInUse);
    }

    [KernelFact]
    public void Connection_that_a_program_makes_while_it_is_in_doubt_whether_there_is_one_is_not_forgotten()
    {
        _table.State[0].IsInUse = 1;
        _gracePeriods.AreImmediate = false;
        Sweep(1);
        Assert.Equal((uint)PathUse.InDoubt, _table.State[0].IsInUse);

        // Its program is about to make it.
        _table.State[0].IsInUse = (uint)PathUse.InUse;
        _gracePeriods.Elapse();
        _sweeper.Step(1, (_, _, _) => _hasFrontend);
        Assert.Equal((uint)PathUse.InUse, _table.State[0].IsInUse);

        Sweep(1);
        _gracePeriods.Elapse();
        _sweeper.Step(1, (_, _, _) => _hasFrontend);
        Assert.Equal((uint)PathUse.NotInUse, _table.State[0].IsInUse);
    }

    [KernelFact]
    public void Connection_that_its_program_made_before_the_doubt_was_seen_is_not_forgotten()
    {
        _table.State[0].IsInUse = 1;
        _gracePeriods.AreImmediate = false;
        Sweep(1);

        Open(0, SeenFlags.Any, SeenFlags.Any);
        _gracePeriods.Elapse();
        _sweeper.Step(1, (_, _, _) => _hasFrontend);

        Assert.NotEqual(0u, _table.State[0].IsInUse);
    }

    [KernelFact]
    public void Programs_look_everywhere_while_a_connection_has_a_frontend_that_is_gone()
    {
        Open(0, SeenFlags.Any | SeenFlags.Ack, SeenFlags.Any | SeenFlags.Syn);
        Sweep(3);
        Assert.Equal(0u, _table.State[0].HasOrphans);

        _sweeper.FrontendGoes();
        _hasFrontend = false;
        Sweep(3);
        Assert.Equal(1u, _table.State[0].HasOrphans);

        _hasFrontend = true;
        Sweep(3);
        Assert.Equal(0u, _table.State[0].HasOrphans);
    }

    [KernelFact]
    public void Programs_look_everywhere_while_a_connection_has_a_port_that_masks_no_more()
    {
        Open(3, SeenFlags.Any | SeenFlags.Ack, SeenFlags.Any | SeenFlags.Syn, ConnectionFlags.SourceChosen);

        Sweep(3);
        Assert.Equal(1u, _table.State[0].HasOrphans);

        _connections[3] = _connections[3] with { SourcePortBe = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)1024) };
        Sweep(3);
        Assert.Equal(0u, _table.State[0].HasOrphans);
    }

    [KernelFact]
    public void Connection_that_a_program_makes_for_no_frontend_while_a_pass_goes_on_is_not_overlooked()
    {
        Sweep(2);
        Assert.Equal(0u, _table.State[0].HasOrphans);
        _sweeper.Step(2, (_, _, _) => _hasFrontend);

        Open(0, SeenFlags.Any | SeenFlags.Ack, SeenFlags.Any | SeenFlags.Syn);
        _hasFrontend = false;
        _table.State[0].Parted++;
        _table.State[0].HasOrphans = 1;
        _sweeper.Step(_sweeper.Capacity - 2, (_, _, _) => _hasFrontend);
        Assert.Equal(1u, _table.State[0].HasOrphans);

        Sweep(3);
        Assert.Equal(1u, _table.State[0].HasOrphans);
    }

    private static BpfMap Make(string name, BpfMapType type, uint key, uint value, BpfMapFlags flags = BpfMapFlags.None) => BpfMap.Create(
        new BpfMapOptions { Name = name, Type = type, KeySize = key, ValueSize = value, MaxEntries = name == "state" ? 1u : Capacity * 4, Flags = flags });

    private void Sweep(int passes)
    {
        for (int i = 0; i < passes; i++)
        {
            _sweeper.Step(_sweeper.Capacity, (_, _, _) => _hasFrontend);
        }
    }

    private void Open(int id, SeenFlags ask, SeenFlags answer, ConnectionFlags flags = ConnectionFlags.None, uint generation = 1)
    {
        var connection = new ConnectionValue(
            AddressKey.From(Address.FromIPv4(0xc0000201)),
            AddressKey.From(Address.FromIPv4(0x0a600001)),
            AddressKey.From(Address.FromIPv4(0x0a000001)),
            AddressKey.From(Address.FromIPv4(0x0a0000fe)),
            (ushort)id,
            (ushort)id,
            1,
            2,
            (ushort)id,
            (ask & (SeenFlags.Ack | SeenFlags.Rst | SeenFlags.Fin)) != 0 ? (byte)Protocol.Tcp : (byte)Protocol.Udp,
            flags | ConnectionFlags.Masquerade,
            1,
            1,
            1,
            1,
            generation,
            ask,
            answer,
            0,
            TakenRows.None,
            0,
            (ulong)_clock.GetTimestamp(),
            0,
            0);
        _connections[id] = connection;
        foreach (var (_, key) in ConnectionFlows.Of(connection))
        {
            _table.Flows.Update(key, new FlowWord((uint)id, generation, FlowRole.Ask));
        }
    }

    private List<uint> FreeIds()
    {
        var ids = new List<uint>();
        while (_table.Free.TryPop(out uint id))
        {
            ids.Add(id);
        }

        return ids;
    }

    private List<FlowKey> Flows() => [.. _table.Flows.Enumerate().Select(row => row.Key)];

    /// <summary>A monotonic clock in nanoseconds, as the kernel's.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        private long _now = 1_000_000_000;

        public override long TimestampFrequency => 1_000_000_000;

        public override long GetTimestamp() => _now;

        public void Advance(int seconds) => _now += seconds * 1_000_000_000L;
    }
}
