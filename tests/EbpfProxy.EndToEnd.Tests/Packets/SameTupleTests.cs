using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>
/// A client that talks to a backend directly and then by a service, both from one source port: to the backend, and to
/// connection tracking, the two would be one connection.
/// </summary>
public sealed class SameTupleTests
{
    private const int SourcePort = 5700;

    public static MatrixTheoryData<string, Backend, int> Rows { get; } = new(["tcp", "udp"], [Backend.Near, Backend.Far], [4, 6]);

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Connection_by_a_service_that_comes_second_is_answered_and_so_is_the_first(string protocol, Backend backend, int family)
    {
        using var stage = new PacketStage(new ClusterShape { PodLinks = PodLinks.Routed, Masquerades = true });
        var door = stage.Door(PacketStage.ServiceOver(backend), Frontend.ClusterIP, family);
        string pod = stage.AddressOf(backend, family);
        using var direct = stage.Client.Sandbox.HoldFrom(SourcePort, protocol, pod, PacketStage.BackendPort);
        Assert.Equal(PacketStage.NameOf(backend), direct.Ask().Name);

        using var service = stage.Client.Sandbox.HoldFrom(SourcePort, protocol, door.Address, door.Port);

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal((PacketStage.NameOf(backend), Expect.Peer(door)), (service.Ask().Name, service.Ask().Peer));
            Assert.Equal((PacketStage.NameOf(backend), Expect.Peer((pod, PacketStage.BackendPort))), (direct.Ask().Name, direct.Ask().Peer));
        }
    }
}
