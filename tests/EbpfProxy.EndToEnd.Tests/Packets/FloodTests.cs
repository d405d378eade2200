using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What begins and never goes on takes no room from what was answered.</summary>
[Collection(typeof(AloneOnTheMachine))]
public sealed class FloodTests : IDisposable
{
    private const int TableSize = 16_384;
    private const int Idle = 500;

    private readonly PacketStage _stage = new(new ClusterShape(), "--max-connections", $"{TableSize}");

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Flood_of_twice_the_table_leaves_idle_connections_answering_and_room_for_new_ones()
    {
        var door = _stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        using var tcp = _stage.Cluster.Outside.Crowd("tcp", Idle, door);
        using var udp = _stage.Cluster.Outside.Crowd("udp", Idle, door);
        tcp.AssertAnswered();
        udp.AssertAnswered();

        // What goes on after an answer: a single question of UDP is over with its answer.
        udp.AskAgain();

        // Nobody is at the forged sources, who would go on; the datagrams are answered all the same.
        _stage.Cluster.Routed.Client.Spray("syn", door.Address, door.Port, 2 * TableSize);
        _stage.Cluster.Routed.Client.Spray("udp", door.Address, door.Port, 2 * TableSize);

        tcp.AskAgain();
        udp.AskAgain();
        Assert.True(_stage.Proxy.Events("connection_evicted") > 0);
        foreach (string row in new[] { "tcp4", "udp4-connect" })
        {
            Assert.All(_stage.Cluster.Outside.Ask(row, door.Address, door.Port), answer => Assert.Equal("far/8080", answer.Name));
        }
    }
}
