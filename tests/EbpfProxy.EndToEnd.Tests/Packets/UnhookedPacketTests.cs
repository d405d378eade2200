using System.Net.NetworkInformation;
using System.Net.Sockets;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Packets of sockets that no program at the socket sees: raw, UDP-Lite, and those that were there before the proxy.</summary>
public sealed class UnhookedPacketTests(PacketStage stage) : IClassFixture<PacketStage>
{
    public static MatrixTheoryData<Frontend, Backend> Rows { get; } = new(
        [Frontend.ClusterIP, Frontend.ExternalIP, Frontend.LoadBalancer], [Backend.Near, Backend.Far, Backend.FarHost, Backend.Foreign]);

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Hidden_socket_of_the_node_is_answered(Frontend frontend, Backend backend)
    {
        stage.Answered(stage.Node.HiddenHost, PacketStage.ServiceOver(backend), frontend, PacketStage.NameOf(backend));
    }

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Raw_socket_of_the_node_and_of_a_pod_is_answered(Frontend frontend, Backend backend)
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(PacketStage.ServiceOver(backend), frontend, family);
            var fromNode = stage.Node.Host.AskRaw(door.Address, door.Port);
            var fromPod = stage.Client.Place.AskRaw(door.Address, door.Port);

            Assert.Equal((PacketStage.NameOf(backend), Expect.Peer(door)), (fromNode.Name, fromNode.Peer));
            Assert.Equal((PacketStage.NameOf(backend), Expect.Peer(door)), (fromPod.Name, fromPod.Peer));
        }
    }

    [KernelTheory]
    [InlineData("udplite4", 4)]
    [InlineData("udplite6", 6)]
    public void UdpLite_to_a_cluster_IP_is_refused_and_counted(string row, int family)
    {
        var door = stage.Door(PacketStage.OverNear, Frontend.ClusterIP, family);
        foreach (var place in new[] { stage.Node.Host, stage.Client.Place })
        {
            double before = stage.Proxy.Events("unknown_port");

            string seen = place.AskInVain(row, door.Address, door.Port);

            Assert.EndsWith(" ECONNREFUSED", seen, StringComparison.Ordinal);
            Assert.True(stage.Proxy.Events("unknown_port") > before);
        }
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Echo_of_the_node_to_a_cluster_IP_is_refused_and_counted(int family)
    {
        var door = stage.Door(PacketStage.OverNear, Frontend.ClusterIP, family);
        double before = stage.Proxy.Events("unknown_port");

        // It asks by a raw socket, which is told of the ICMP error.
        var failure = Assert.Throws<PingException>(() => stage.Node.Network.Invoke(() => new Ping().Send(door.Address, timeout: 5000)));

        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
        Assert.True(stage.Proxy.Events("unknown_port") > before);
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Hidden_socket_of_the_node_that_keeps_its_port_follows_its_service(int family)
    {
        var service = new Service("hidden", 45);
        stage.Move(service, family, Backend.Near);
        var door = stage.Door(service, Frontend.ClusterIP, family);
        using var held = stage.Node.HiddenHost.HoldFrom(5600, "udp", door.Address, door.Port);
        Assert.Equal("near/8080", held.Ask().Name);

        stage.Move(service, family, Backend.Far);

        Assert.Equal("far/8080", held.Ask().Name);
    }
}
