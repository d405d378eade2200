using EbpfProxy.Datapath.Abi;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Connections;

/// <summary>Flows that ask a frontend which another service has by now, while the one before serves on.</summary>
public sealed class FrontendTurnTests : SweeperHarness
{
    private const SeenFlags Seen = SeenFlags.Any | SeenFlags.Ack;

    /// <summary>Of service 1, as all that the harness opens.</summary>
    [KernelFact]
    public void Flow_of_udp_is_ended_when_its_frontend_turns_to_another_service_and_no_other_flow_is()
    {
        Sweep(2);
        OpenUdp(3, service: 1);
        OpenUdp(4, service: 2);
        Open(5, Seen, Seen);
        HasTurned = service => service == 1;

        Sweep(2);
        Assert.Equal([1u, 1u, 1u], Generations(3, 4, 5));

        Sweeper.FrontendTurns();
        Sweep(1);
        Assert.Equal([2u, 1u, 1u], Generations(3, 4, 5));

        Sweep(2);
        Assert.Equal([3u], FreeIds());
    }

    [KernelFact]
    public void Flow_that_the_pass_has_left_behind_is_ended_by_the_next_one()
    {
        Sweep(2);
        OpenUdp(1, service: 1);
        HasTurned = _ => true;
        Step(Sweeper.Capacity / 2);

        Sweeper.FrontendTurns();
        Step(Sweeper.Capacity / 2);
        Assert.Equal([1u], Generations(1));

        Step(Sweeper.Capacity / 2);
        Assert.Equal([2u], Generations(1));
    }

    [KernelFact]
    public void Frontend_that_turned_before_the_daemon_came_is_looked_for()
    {
        OpenUdp(1, service: 1);
        HasTurned = _ => true;

        Sweep(1);

        Assert.Equal([2u], Generations(1));
    }

    private uint[] Generations(params int[] ids) => [.. ids.Select(id => Connections[id].Generation)];

    private void OpenUdp(int id, uint service)
    {
        Open(id, SeenFlags.Any, SeenFlags.Any);
        Connections[id] = Connections[id] with { Service = service };
    }
}
