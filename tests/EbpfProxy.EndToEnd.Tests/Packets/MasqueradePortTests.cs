using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Few ports to mask clients with, and more connections than that, one after the other.</summary>
public sealed class MasqueradePortTests : IDisposable
{
    private const int Ports = 200;

    private readonly PacketStage _stage = new(new ClusterShape(), "--masquerade-ports", $"20000-{20000 + Ports - 1}");

    public void Dispose() => _stage.Dispose();

    /// <summary>The client resets each, which would keep its port for ten seconds. What finds none sends its SYN again.</summary>
    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Connections_that_are_over_make_room_for_those_that_follow(int family)
    {
        var door = _stage.Door(PacketStage.OverFar, Frontend.NodePort, family);

        var answers = _stage.Cluster.Outside.Spread("tcp", door.Address, door.Port, 3 * Ports);

        Assert.Equal([KeyValuePair.Create("far/8080", 3 * Ports)], answers);
    }
}
