using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Very many connections at once: none is reset, and none hears what another asked.</summary>
public sealed class CrowdTests : IDisposable
{
    private readonly PacketStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Masked_clients_the_node_and_a_masqueraded_pod_share_one_remote_backend()
    {
        const int own = 2_000;
        string far = _stage.AddressOf(Backend.Far, 4);
        var door = _stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        _stage.Node.MasqueradePod(_stage.Client);

        using var node = _stage.Node.Host.Crowd("tcp", own, (far, PacketStage.BackendPort));
        using var clients = _stage.Cluster.Routed.Client.Crowd("tcp", 20_000, door);
        using var pod = _stage.Client.Place.Crowd("tcp", own, (far, PacketStage.BackendPort));
        node.AssertAnswered();
        pod.AssertAnswered();
        clients.AssertAnswered();

        node.AskAgain();
        pod.AskAgain();
        clients.AskAgain();
    }

    [KernelFact]
    public void Fifty_thousand_connections_are_open_at_once()
    {
        Service[] services = [PacketStage.OverNear, PacketStage.OverFar, PacketStage.OverFarHost, PacketStage.OverForeign];
        using var tcp = _stage.Cluster.Routed.Client.Crowd("tcp", 30_000, services.Select(s => _stage.Door(s, Frontend.NodePort, 4)));
        using var udp = _stage.Cluster.Outside.Crowd("udp", 20_000, services.Select(s => _stage.Door(s, Frontend.LoadBalancer, 6)));
        tcp.AssertAnswered();
        udp.AssertAnswered();

        tcp.AskAgain();
        udp.AskAgain();
    }
}
