using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What begins and never goes on takes no room from what was answered.</summary>
public sealed class FloodTests : IDisposable
{
    private const int TableSize = 16_384;
    private const int Idle = 500;

    private readonly PacketStage _stage = new(new ClusterShape(), "--max-connections", $"{TableSize}");

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Flood_of_twice_the_table_leaves_idle_connections_answering()
    {
        var door = _stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        using var tcp = _stage.Cluster.Outside.Crowd("tcp", Idle, door);
        using var udp = _stage.Cluster.Outside.Crowd("udp", Idle, door);
        tcp.AssertAnswered();
        udp.AssertAnswered();

        // Nobody is at the forged sources, so no answer is ever seen; the backend of the datagrams is a port without a socket.
        _stage.Cluster.Routed.Client.Spray("syn", door.Address, door.Port, 2 * TableSize);
        _stage.Cluster.Routed.Client.Spray("udp", door.Address, door.Port, 2 * TableSize);

        tcp.AskAgain();
        udp.AskAgain();
        Assert.True(_stage.Proxy.Events("connection_evicted") > 0);
    }
}
