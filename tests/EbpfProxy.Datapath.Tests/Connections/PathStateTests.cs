using EbpfProxy.Datapath.Abi;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Connections;

/// <summary>What the sweeper tells the programs: whether there are connections, and whether some have no frontend.</summary>
public sealed class PathStateTests : SweeperHarness
{
    [KernelFact]
    public void Programs_are_told_when_there_is_no_connection()
    {
        Table.State[0].IsInUse = 1;
        Open(0, SeenFlags.Any, SeenFlags.Any);

        Sweep(1);
        Assert.Equal((1u, 1), (Table.State[0].IsInUse, Sweeper.InUse));

        Clock.Advance(1000);
        Sweep(4);
        Assert.Equal((0u, 0), (Table.State[0].IsInUse, Sweeper.InUse));
    }

    /// <summary>The first one of a quiet node has the first id, which the pass under way has seen free.</summary>
    [KernelFact]
    public void Connection_that_begins_behind_the_sweep_is_not_forgotten()
    {
        Table.State[0].IsInUse = 1;
        Step(Sweeper.Capacity / 2);

        Open(0, SeenFlags.Any, SeenFlags.Any);
        Step(Sweeper.Capacity / 2);
        Assert.NotEqual(0u, Table.State[0].IsInUse);

        Sweep(2);
        Assert.NotEqual(0u, Table.State[0].IsInUse);
    }

    [KernelFact]
    public void Connection_that_a_program_makes_while_it_is_in_doubt_whether_there_is_one_is_not_forgotten()
    {
        Table.State[0].IsInUse = 1;
        GracePeriods.AreImmediate = false;
        Sweep(1);
        Assert.Equal((uint)PathUse.InDoubt, Table.State[0].IsInUse);

        // Its program is about to make it.
        Table.State[0].IsInUse = (uint)PathUse.InUse;
        GracePeriods.Elapse();
        Step(1);
        Assert.Equal((uint)PathUse.InUse, Table.State[0].IsInUse);

        Sweep(1);
        GracePeriods.Elapse();
        Step(1);
        Assert.Equal((uint)PathUse.NotInUse, Table.State[0].IsInUse);
    }

    [KernelFact]
    public void Connection_that_its_program_made_before_the_doubt_was_seen_is_not_forgotten()
    {
        Table.State[0].IsInUse = 1;
        GracePeriods.AreImmediate = false;
        Sweep(1);

        Open(0, SeenFlags.Any, SeenFlags.Any);
        GracePeriods.Elapse();
        Step(1);

        Assert.NotEqual(0u, Table.State[0].IsInUse);
    }

    [KernelFact]
    public void Programs_look_everywhere_while_a_connection_has_a_frontend_that_is_gone()
    {
        Open(0, SeenFlags.Any | SeenFlags.Ack, SeenFlags.Any | SeenFlags.Syn);
        Sweep(3);
        Assert.Equal(0u, Table.State[0].HasOrphans);

        Sweeper.FrontendGoes();
        HasFrontend = false;
        Sweep(3);
        Assert.Equal(1u, Table.State[0].HasOrphans);

        HasFrontend = true;
        Sweep(3);
        Assert.Equal(0u, Table.State[0].HasOrphans);
    }

    [KernelFact]
    public void Programs_look_everywhere_while_a_connection_has_a_port_that_masks_no_more()
    {
        Open(3, SeenFlags.Any | SeenFlags.Ack, SeenFlags.Any | SeenFlags.Syn, ConnectionFlags.SourceChosen);

        Sweep(3);
        Assert.Equal(1u, Table.State[0].HasOrphans);

        Connections[3] = Connections[3] with { SourcePortBe = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)1024) };
        Sweep(3);
        Assert.Equal(0u, Table.State[0].HasOrphans);
    }

    [KernelFact]
    public void Connection_that_a_program_makes_for_no_frontend_while_a_pass_goes_on_is_not_overlooked()
    {
        Sweep(2);
        Assert.Equal(0u, Table.State[0].HasOrphans);
        Step(2);

        Open(0, SeenFlags.Any | SeenFlags.Ack, SeenFlags.Any | SeenFlags.Syn);
        HasFrontend = false;
        Table.State[0].Parted++;
        Table.State[0].HasOrphans = 1;
        Step(Sweeper.Capacity - 2);
        Assert.Equal(1u, Table.State[0].HasOrphans);

        Sweep(3);
        Assert.Equal(1u, Table.State[0].HasOrphans);
    }
}
