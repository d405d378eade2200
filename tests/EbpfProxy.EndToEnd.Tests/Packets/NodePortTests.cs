using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Node ports and external addresses, asked by pods and by the node itself; and whose port a node port is.</summary>
public sealed class NodePortTests(PacketStage stage) : IClassFixture<PacketStage>
{
    public static MatrixTheoryData<Frontend, Backend> Rows { get; } = new(Enum.GetValues<Frontend>(), Enum.GetValues<Backend>());

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Pod_is_answered(Frontend frontend, Backend backend)
    {
        stage.Answered(stage.Client.Place, PacketStage.ServiceOver(backend), frontend, PacketStage.NameOf(backend));
    }

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Node_is_answered(Frontend frontend, Backend backend)
    {
        stage.Answered(stage.Node.Host, PacketStage.ServiceOver(backend), frontend, PacketStage.NameOf(backend));
    }

    [KernelTheory]
    [InlineData("tcp4", "192.168.77.1", 4)]
    [InlineData("tcp4", "10.244.1.1", 4)]
    [InlineData("tcp6", "fd00:77::1", 6)]
    [InlineData("tcp6", "fd00:10:244:1::1", 6)]
    [InlineData("tcp6", "192.168.77.1", 4)]
    [InlineData("udp4-connect", "192.168.77.1", 4)]
    [InlineData("udp4-sendto", "10.244.1.1", 4)]
    [InlineData("udp6-sendto", "fd00:77::1", 6)]
    public void Node_port_answers_on_every_address_of_the_node(string row, string address, int family)
    {
        int port = PacketStage.OverFar.NodePort(family);

        foreach (var place in new[] { stage.Node.Host, stage.Client.Place, stage.Cluster.Outside })
        {
            Assert.All(place.Ask(row, address, port), answer => Assert.Equal("far/8080", answer.Name));
        }
    }

    [KernelFact]
    public void Pod_keeps_a_port_of_its_own_that_is_a_node_port_elsewhere()
    {
        int port = PacketStage.OverFar.NodePort(4);
        using var own = stage.Client.Serve($"{port}");

        Assert.All(stage.Client.Place.Ask("tcp4", "127.0.0.1", port), answer => Assert.Equal($"client/{port}", answer.Name));
        Assert.All(stage.Client.Place.Ask("tcp4", stage.Client.IPv4, port), answer => Assert.Equal($"client/{port}", answer.Name));
        Assert.All(stage.Near.Place.Ask("tcp4", stage.Client.IPv4, port), answer => Assert.Equal($"client/{port}", answer.Name));
    }

    [KernelFact]
    public void Port_of_the_node_that_no_service_has_is_the_nodes_own()
    {
        using var own = stage.Node.Host.Serve("own", "30999");

        Assert.All(stage.Cluster.Outside.Ask("tcp4", stage.Node.IPv4, 30999), answer => Assert.Equal("own/30999", answer.Name));
        Assert.All(stage.Client.Sandbox.Ask("tcp6", stage.Node.IPv6, 30999), answer => Assert.Equal("own/30999", answer.Name));
        Assert.Equal("connect ECONNREFUSED", stage.Cluster.Outside.AskInVain("tcp4", stage.Node.IPv4, 30998));
    }

    [KernelFact]
    public void Traffic_that_is_not_for_services_passes_untouched()
    {
        foreach (int family in new[] { 4, 6 })
        {
            string pod = stage.AddressOf(Backend.Near, family);
            var answers = stage.Cluster.Routed.Client.Ask(Expect.Row("tcp", family), pod, PacketStage.BackendPort);

            Assert.All(answers, answer => Assert.Equal(("near/8080", Expect.Peer((pod, 8080))), (answer.Name, answer.Peer)));
            Assert.All(answers, answer => Assert.StartsWith(
                Expect.Seen(stage.AddressOf(Asker.Routed, family)), answer.Client, StringComparison.Ordinal));
        }
    }
}
