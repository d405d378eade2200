using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>A client whose sockets no program sees, and what it sends past the services.</summary>
public sealed class DirectFlowTests
{
    private static readonly MatrixTheoryData<string, Backend, Frontend, int> _flows = new(
        ["tcp", "udp"], [Backend.Near, Backend.Far], [Frontend.ClusterIP, Frontend.NodePort], [4, 6]);

    public static TheoryData<PodLinks, string> Shapes { get; } = new()
    {
        { PodLinks.Routed, "off" },
        { PodLinks.Routed, "on" },
        { PodLinks.Bridge, "on" },
    };

    /// <summary>A connection by a service, then one straight to the same backend, both from one source port.</summary>
    [KernelTheory]
    [MemberData(nameof(Shapes))]
    public void Connection_straight_to_the_backend_of_another_is_told_from_it(PodLinks links, string fastPath)
    {
        using var stage = new PacketStage(new ClusterShape { PodLinks = links, Masquerades = true }, "--fast-path", fastPath);
        int port = 5700;
        foreach (var row in _flows)
        {
            var (protocol, backend, frontend, family) = row.Data;
            AskBoth(stage, port++, protocol, backend, frontend, family);
        }
    }

    private static void AskBoth(PacketStage stage, int port, string protocol, Backend backend, Frontend frontend, int family)
    {
        var door = stage.Door(PacketStage.ServiceOver(backend), frontend, family);
        string pod = stage.AddressOf(backend, family);
        string name = PacketStage.NameOf(backend);
        using var service = stage.Client.Sandbox.HoldFrom(port, protocol, door.Address, door.Port);
        Assert.Equal((name, Expect.Peer(door)), (service.Ask().Name, service.Ask().Peer));

        using var direct = stage.Client.Sandbox.HoldFrom(port, protocol, pod, PacketStage.BackendPort);

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal((name, Expect.Peer((pod, PacketStage.BackendPort))), (direct.Ask().Name, direct.Ask().Peer));
            Assert.Equal((name, Expect.Peer(door)), (service.Ask().Name, service.Ask().Peer));
        }
    }

    /// <summary>The kernel masquerades a pod with a port that is a node port: its answers are no requests.</summary>
    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Answer_to_what_the_kernel_masquerades_with_a_node_port_is_left_to_it(int family)
    {
        using var stage = new PacketStage();
        stage.Node.MasqueradePodWith(stage.Client, PacketStage.OverFar.NodePort(family));
        string foreign = stage.AddressOf(Backend.Foreign, family);

        foreach (string protocol in new[] { "tcp", "udp" })
        {
            using var held = stage.Client.Place.Hold(protocol, foreign, PacketStage.BackendPort);

            Assert.Equal(["foreign/8080", "foreign/8080"], new[] { held.Ask().Name, held.Ask().Name });
        }

        stage.Answered(stage.Cluster.Outside, PacketStage.OverFar, Frontend.NodePort, "far/8080");
    }
}
