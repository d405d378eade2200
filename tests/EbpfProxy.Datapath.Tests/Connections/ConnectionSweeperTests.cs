using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Node;

namespace EbpfProxy.Datapath.Tests.Connections;

/// <summary>Which connections and rows are given back, and when.</summary>
public sealed class ConnectionSweeperTests : SweeperHarness
{
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

        Clock.Advance(seconds);
        Sweep(3);
        Assert.Empty(FreeIds());

        Clock.Advance(3);
        Sweep(3);
        Assert.Equal([3u], FreeIds());
        Assert.Empty(Flows());
        Assert.Single(Freed);
    }

    [KernelFact]
    public void Connection_is_freed_only_after_a_grace_period()
    {
        Open(5, SeenFlags.Any, SeenFlags.Any);
        GracePeriods.AreImmediate = false;
        Clock.Advance(1000);

        Sweep(3);
        Assert.Empty(FreeIds());

        GracePeriods.Elapse();
        Sweep(1);
        Assert.Equal([5u], FreeIds());
    }

    [KernelFact]
    public void Unanswered_connection_without_a_token_is_left_to_who_took_it_for_long()
    {
        Open(1, SeenFlags.Any, SeenFlags.None);
        Open(2, SeenFlags.Any, SeenFlags.None);
        Table.Unanswered.TryPush(new FlowWord(2, 1, FlowRole.Ask));
        Clock.Advance(500);

        Sweep(3);
        Assert.Equal([2u], FreeIds());

        Clock.Advance(1000);
        Sweep(3);
        Assert.Equal([1u], FreeIds());
    }

    [KernelFact]
    public void Closing_connection_with_a_token_is_freed_by_its_token()
    {
        Open(1, SeenFlags.Any | SeenFlags.Rst, SeenFlags.Any, ConnectionFlags.Closing);
        Open(2, SeenFlags.Any | SeenFlags.Rst, SeenFlags.Any, ConnectionFlags.Closing);
        Table.Closing.TryPush(new FlowWord(1, 1, FlowRole.Ask));
        Clock.Advance(500);

        Sweep(3);

        Assert.Equal([1u], FreeIds());
    }

    [KernelFact]
    public void Connection_that_packets_renew_does_not_keep_those_that_came_after_it()
    {
        Open(1, SeenFlags.Any, SeenFlags.None);
        Open(2, SeenFlags.Any, SeenFlags.None);
        Table.Unanswered.TryPush(new FlowWord(1, 1, FlowRole.Ask));
        Table.Unanswered.TryPush(new FlowWord(2, 1, FlowRole.Ask));
        Clock.Advance(25);
        Connections[1] = Connections[1] with { LastSeenNs = (ulong)Clock.GetTimestamp() };

        Clock.Advance(10);
        Sweep(3);
        Assert.Equal([2u], FreeIds());

        Clock.Advance(1000);
        Sweep(3);
        Assert.Equal([1u], FreeIds());
    }

    [KernelFact]
    public void Closing_connection_whose_token_is_gone_is_freed_long_after()
    {
        Open(1, SeenFlags.Any | SeenFlags.Rst, SeenFlags.Any, ConnectionFlags.Closing);

        Clock.Advance(100);
        Sweep(3);
        Assert.Empty(FreeIds());

        Clock.Advance(1000);
        Sweep(3);
        Assert.Equal([1u], FreeIds());
    }

    [KernelFact]
    public void Id_that_a_program_uses_again_meanwhile_is_not_freed()
    {
        Open(4, SeenFlags.Any, SeenFlags.Any, generation: 6);
        GracePeriods.AreImmediate = false;
        Sweep(1);

        Connections[4] = Connections[4] with { Generation = 7 };
        GracePeriods.Elapse();
        Sweep(2);

        Assert.Empty(FreeIds());
        Assert.Equal(7u, Connections[4].Generation);
    }

    [KernelFact]
    public void Token_of_an_earlier_connection_does_not_end_the_one_that_has_its_id_now()
    {
        Open(2, SeenFlags.Any, SeenFlags.None, generation: 3);
        Table.Unanswered.TryPush(new FlowWord(2, 1, FlowRole.Ask));
        Clock.Advance(500);

        Sweep(3);

        Assert.Empty(FreeIds());
        Assert.Equal(3u, Connections[2].Generation);
    }

    /// <summary>A program began it anew after the sweeper had found the one before to be over.</summary>
    [KernelFact]
    public void End_of_a_generation_that_is_gone_ends_nothing()
    {
        Open(4, SeenFlags.Any, SeenFlags.Any, generation: 3);

        Table.End(4, 1);
        Assert.Equal(3u, Connections[4].Generation);

        Table.End(4, 3);
        Assert.Equal(4u, Connections[4].Generation);
    }

    [KernelFact]
    public void Row_that_another_connection_took_over_stays()
    {
        Open(6, SeenFlags.Any, SeenFlags.Any);
        var taken = ConnectionFlows.Of(Connections[6]).First().Key;
        Table.Flows.Update(taken, new FlowWord(9, 1, FlowRole.Ask));
        Clock.Advance(1000);
        Connections[9] = Connections[6] with { LastSeenNs = (ulong)Clock.GetTimestamp() };

        Sweep(3);

        Assert.Equal([6u], FreeIds());
        Assert.Equal([Table.Flows.DigestOf(taken)], Flows());
    }

    /// <summary>A client that takes the port again at the moment when its last connection is swept.</summary>
    [KernelFact]
    public async Task Row_that_another_connection_takes_over_at_this_moment_stays()
    {
        Open(6, SeenFlags.Any, SeenFlags.Any);
        var key = ConnectionFlows.Of(Connections[6]).First().Key;
        var other = new FlowWord(7, 1, FlowRole.Ask);
        Connections[7] = Connections[6] with { LastSeenNs = long.MaxValue };
        for (int round = 0; round < 5000; round++)
        {
            Open(6, SeenFlags.Any, SeenFlags.Any);
            Clock.Advance(1000);
            using var start = new Barrier(2);
            int spins = round * 7 % 20_000;
            var taking = Task.Run(
                () =>
                {
                    start.SignalAndWait();
                    Thread.SpinWait(spins);
                    Table.Flows.Update(key, other);
                },
                TestContext.Current.CancellationToken);
            start.SignalAndWait();
            Sweep(3);
            await taking;

            Assert.True(Table.Flows.TryGet(key, out var word) && word == other, $"lost in round {round}");
        }
    }
}
