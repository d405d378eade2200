using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Connections of one client that are easily taken for each other.</summary>
public sealed class FlowTests(PacketStage stage) : IClassFixture<PacketStage>
{
    private const int SourcePort = 5555;

    private static readonly Service _moving = new("moving", 40);
    private static readonly Service _first = new("twin-a", 41);
    private static readonly Service _second = new("twin-b", 42);

    public static MatrixTheoryData<Asker, Frontend, int> Rows { get; } = new(
        [Asker.Routed, Asker.Sandbox], [Frontend.ClusterIP, Frontend.NodePort], [4, 6]);

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Datagrams_from_one_port_follow_their_service_to_a_new_backend(Asker asker, Frontend frontend, int family)
    {
        var door = stage.Door(_moving, frontend, family);
        stage.Move(_moving, family, Backend.Near);
        using var held = stage.PlaceOf(asker).HoldFrom(SourcePort, "udp", door.Address, door.Port);
        Assert.Equal("near/8080", held.Ask().Name);

        stage.Move(_moving, family, Backend.Far);

        Assert.Equal("far/8080", held.Ask().Name);
        Assert.Equal("far/8080", held.Ask().Name);
    }

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Connection_stays_with_its_backend_when_its_service_moves(Asker asker, Frontend frontend, int family)
    {
        var door = stage.Door(_moving, frontend, family);
        stage.Move(_moving, family, Backend.Near);
        using var held = stage.PlaceOf(asker).Hold("tcp", door.Address, door.Port);
        Assert.Equal("near/8080", held.Ask().Name);

        stage.Move(_moving, family, Backend.Far);

        Assert.Equal("near/8080", held.Ask().Name);
        Assert.All(stage.PlaceOf(asker).Ask(Expect.Row("tcp", family), door.Address, door.Port), answer => Assert.Equal("far/8080", answer.Name));
    }

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Client_that_takes_a_source_port_again_at_once_is_answered(Asker asker, Frontend frontend, int family)
    {
        var place = stage.PlaceOf(asker);
        foreach (var backend in new[] { Backend.Near, Backend.Far })
        {
            var door = stage.Door(PacketStage.ServiceOver(backend), frontend, family);
            for (int i = 0; i < 5; i++)
            {
                var answers = place.AskFrom(SourcePort + 1, Expect.Row("tcp", family), door.Address, door.Port);

                Assert.All(answers, answer => Assert.Equal(PacketStage.NameOf(backend), answer.Name));
            }
        }
    }

    [KernelTheory]
    [InlineData("tcp", Asker.Routed, Frontend.NodePort)]
    [InlineData("udp", Asker.Routed, Frontend.NodePort)]
    [InlineData("tcp", Asker.Sandbox, Frontend.ClusterIP)]
    [InlineData("udp", Asker.Sandbox, Frontend.ClusterIP)]
    [InlineData("tcp", Asker.Sandbox, Frontend.LoadBalancer)]
    [InlineData("udp", Asker.Sandbox, Frontend.LoadBalancer)]
    public void Two_services_over_one_backend_asked_from_one_source_port_are_told_apart(string protocol, Asker asker, Frontend frontend)
    {
        var place = stage.PlaceOf(asker);
        foreach (int family in new[] { 4, 6 })
        {
            stage.Move(_first, family, Backend.Far);
            stage.Move(_second, family, Backend.Far);
            var first = stage.Door(_first, frontend, family);
            var second = stage.Door(_second, frontend, family);
            using var one = place.HoldFrom(SourcePort + 2, protocol, first.Address, first.Port);
            using var two = place.HoldFrom(SourcePort + 2, protocol, second.Address, second.Port);

            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(("far/8080", Expect.Peer(first)), (one.Ask().Name, one.Ask().Peer));
                Assert.Equal(("far/8080", Expect.Peer(second)), (two.Ask().Name, two.Ask().Peer));
            }
        }
    }

    [KernelFact]
    public void Connections_from_outside_spread_over_all_backends()
    {
        foreach (int family in new[] { 4, 6 })
        {
            foreach (string protocol in new[] { "tcp", "udp" })
            {
                var door = stage.Door(PacketStage.OverBoth, Frontend.NodePort, family);

                var spread = stage.Cluster.Routed.Client.Spread(protocol, door.Address, door.Port, 400);

                Assert.Equal(["far/8080", "near/8080"], spread.Keys.Order());
                Assert.All(spread.Values, count => Assert.InRange(count, 120, 280));
            }
        }
    }
}
