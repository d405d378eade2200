using EbpfProxy.Datapath.Abi;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Datapath.Tests.Connections;

/// <summary>Connections that mask their client with an address that the node has lost.</summary>
public sealed class LostSourceTests : SweeperHarness
{
    private const SeenFlags Seen = SeenFlags.Any | SeenFlags.Ack;

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Connection_is_ended_when_its_source_goes_and_no_other_is(bool isTcp)
    {
        var ask = isTcp ? Seen : SeenFlags.Any;
        Sweep(2);
        Open(1, ask, ask, ConnectionFlags.SourceChosen);
        Open(2, ask, ask, ConnectionFlags.SourceChosen);
        Open(3, ask, ask);
        Open(4, ask, ask, ConnectionFlags.SourceChosen | ConnectionFlags.FromNode);
        Open(5, ask, ask, ConnectionFlags.SourceChosen);
        Connections[2] = Connections[2] with { Source = Connections[2].Backend };
        Connections[4] = Connections[4] with { Source = Connections[4].Frontend };
        Connections[5] = Connections[5] with { Source = Connections[5].Frontend };
        Lost.UnionWith([Connections[1].Source.ToAddress(), Connections[1].Frontend.ToAddress()]);
        Sweep(2);
        Assert.Equal([1u, 1u, 1u, 1u, 1u], Generations());

        Sweeper.SourceGoes();
        Sweep(1);

        // The fourth is the node's own, to a frontend that is not the node's address; the fifth asked an address that was.
        Assert.Equal([2u, 1u, 1u, 1u, 2u], Generations());
        Sweep(2);
        Assert.Equal([1u, 5u], FreeIds());
    }

    [KernelFact]
    public void Source_that_went_before_the_daemon_came_is_looked_for()
    {
        Open(1, Seen, Seen, ConnectionFlags.SourceChosen);
        Lost.Add(Connections[1].Source.ToAddress());

        Sweep(1);

        Assert.Equal(2u, Connections[1].Generation);
    }

    private uint[] Generations() => [.. Enumerable.Range(1, 5).Select(id => Connections[id].Generation)];
}
