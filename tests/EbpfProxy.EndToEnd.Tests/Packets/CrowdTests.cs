using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Very many connections at once: none is reset, and none hears what another asked.</summary>
[Collection(typeof(AloneOnTheMachine))]
public sealed class CrowdTests : IDisposable
{
    /// <summary>What one process can hold, with a limit of 20,000 descriptors.</summary>
    private const int PerProcess = 10_000;

    private readonly PacketStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Masked_clients_the_node_and_a_masqueraded_pod_share_one_remote_backend()
    {
        const int own = 1_000;
        (string, int) far = (_stage.AddressOf(Backend.Far, 4), PacketStage.BackendPort);
        var door = _stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        _stage.Node.MasqueradePod(_stage.Client);
        _stage.Far.Serve($"{PacketStage.BackendPort}");

        using var node = _stage.Node.Host.Crowd("tcp", own, far);
        using var first = _stage.Cluster.Routed.Client.Crowd("tcp", PerProcess, door);
        using var second = _stage.Cluster.Outside.Crowd("tcp", PerProcess, door);
        using var pod = _stage.Client.Place.Crowd("tcp", own, far);
        Crowd[] all = [node, pod, first, second];

        Assert.All(all, crowd => crowd.AssertAnswered());
        Assert.All(all, crowd => crowd.AskAgain());
    }

    [KernelFact]
    public void Fifty_thousand_connections_are_open_at_once()
    {
        Service[] services = [PacketStage.OverNear, PacketStage.OverFar, PacketStage.OverFarHost, PacketStage.OverForeign];
        var nodePorts = services.Select(service => _stage.Door(service, Frontend.NodePort, 4)).ToList();
        var balancers = services.Select(service => _stage.Door(service, Frontend.LoadBalancer, 6)).ToList();
        using var tcp1 = _stage.Cluster.Routed.Client.Crowd("tcp", PerProcess, nodePorts);
        using var tcp2 = _stage.Cluster.Outside.Crowd("tcp", PerProcess, balancers);
        using var udp1 = _stage.Cluster.Routed.Client.Crowd("udp", PerProcess, balancers);
        using var udp2 = _stage.Cluster.Outside.Crowd("udp", PerProcess, nodePorts);
        using var udp3 = _stage.Client.Sandbox.Crowd("udp", PerProcess, nodePorts);
        Crowd[] all = [tcp1, tcp2, udp1, udp2, udp3];

        Assert.All(all, crowd => crowd.AssertAnswered());
        Assert.All(all, crowd => crowd.AskAgain());
    }
}
