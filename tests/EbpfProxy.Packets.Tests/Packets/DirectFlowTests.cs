using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>A client that turns straight to the backend that it has by a service, from the same port.</summary>
[Collection(PacketTests.Name)]
public sealed class DirectFlowTests(PacketKernel kernel)
{
    public static MatrixTheoryData<Protocol, bool, bool> Rows { get; } = new([Protocol.Tcp, Protocol.Udp], [false, true], [false, true]);

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Flow_straight_to_the_backend_gets_a_port_of_its_own(Protocol protocol, bool isV6, bool isMasqueraded)
    {
        var node = kernel.Start(Services.Both);
        int port = protocol == Protocol.Tcp ? (isMasqueraded ? 3001 : 80) : (isMasqueraded ? 3053 : 53);
        string frontend = isMasqueraded ? Services.NodePort(isV6, port) : Services.ClusterIP(isV6, 41, port);
        var service = Established.Open(node, protocol, Services.Pod(isV6), frontend, node.Pods, node.Uplink);

        var direct = Established.Open(node, protocol, Services.Pod(isV6), service.Backend, node.Pods, node.Uplink);

        Assert.Equal(service.Backend, direct.Backend);
        Assert.NotEqual(service.Inner, direct.Inner);
        Assert.Equal(direct.Inner, direct.Source);
        direct.Answers((from, to) => Flow.Reply(protocol, from, to));
        service.Answers((from, to) => Flow.Reply(protocol, from, to));
        direct.Asks(Asked);
        service.Asks(Asked);
        Assert.Equal(2, node.Connections().Count);

        Packet Asked(string from, string to) => protocol == Protocol.Tcp ? Packet.Tcp(from, to).Ack() : Packet.Udp(from, to);
    }

    /// <summary>The endpoint's address is the node's, too.</summary>
    [KernelTheory]
    [InlineData(Protocol.Tcp, false)]
    [InlineData(Protocol.Tcp, true)]
    [InlineData(Protocol.Udp, false)]
    [InlineData(Protocol.Udp, true)]
    public void Flow_straight_to_a_backend_in_the_host_network_gets_a_port_of_its_own(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.OfHost);
        string client = Services.Outsider(isV6);
        string backend = Services.End(isV6, "192.168.0.2", "2001:db8::1", protocol == Protocol.Tcp ? 8080 : 5353);
        var asked = node.Ingress(Flow.First(protocol, client, Services.NodePort(isV6, protocol == Protocol.Tcp ? 3060 : 3061)), node.Uplink);
        Assert.Equal(backend, asked.Frame.To.ToString());

        var direct = node.Ingress(Flow.First(protocol, client, backend), node.Uplink);

        Assert.NotEqual(asked.Frame.From.ToString(), direct.Frame.From.ToString());
        node.Egress(Flow.Reply(protocol, backend, direct.Frame.From.ToString()), node.Uplink, cameBy: 0)
            .GoesOnAs(Flow.Reply(protocol, backend, client));
    }

    /// <summary>A bridge, or a VLAN, shows again what its port has had: translated, it looks like what goes straight to the backend.</summary>
    [KernelTheory]
    [InlineData(Protocol.Tcp, false)]
    [InlineData(Protocol.Tcp, true)]
    [InlineData(Protocol.Udp, false)]
    [InlineData(Protocol.Udp, true)]
    public void Packet_that_the_next_device_shows_again_stays_the_services(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.Both);
        uint port = node.Pods;
        uint bridge = node.Uplink;
        string client = Services.Pod(isV6);
        var service = Established.Open(node, protocol, client, Services.ClusterIP(isV6, 41, protocol == Protocol.Tcp ? 80 : 53), port, bridge);
        var direct = Established.Open(node, protocol, client, service.Backend, port, bridge);
        Assert.NotEqual(service.Inner, direct.Inner);

        var atPort = node.Ingress(Asked(client, service.Frontend), port).GoesOnAs(Asked(service.Inner, service.Backend));
        node.Ingress(atPort.Bytes, bridge).GoesOnAs(Asked(service.Inner, service.Backend)).Counts();

        var error = Packet.PortUnreachable(service.ClientAddress, service.BackendAddress, Flow.Reply(protocol, service.Backend, service.Inner));
        node.Ingress(error, bridge).GoesOnAs(error).Counts();

        Packet Asked(string from, string to) => protocol == Protocol.Tcp ? Packet.Tcp(from, to).Ack() : Packet.Udp(from, to);
    }

    [KernelTheory]
    [InlineData(Protocol.Tcp, false)]
    [InlineData(Protocol.Tcp, true)]
    [InlineData(Protocol.Udp, false)]
    [InlineData(Protocol.Udp, true)]
    public void Other_flows_to_the_backend_are_left_as_they_are(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.Both);
        var service = Established.Open(
            node, protocol, Services.Pod(isV6), Services.ClusterIP(isV6, 41, protocol == Protocol.Tcp ? 80 : 53), node.Pods, node.Pods);

        Untouched(Flow.First(protocol, Services.Pod(isV6, 3334), service.Backend));
        if (protocol == Protocol.Tcp)
        {
            // It began before the service was asked: its port is its own.
            Untouched(Packet.Tcp(Services.Pod(isV6), service.Backend).Ack());
        }

        node.Age(TimeSpan.FromSeconds(121));
        Untouched(Flow.First(protocol, Services.Pod(isV6), service.Backend));

        void Untouched(Packet packet) => node.Ingress(packet, node.Pods).GoesOnAs(packet).Counts();
    }

    [KernelFact]
    public void Datagrams_straight_to_a_backend_keep_their_port_when_it_serves_no_more()
    {
        var node = kernel.Start(Services.Both);
        var service = Established.Open(node, Protocol.Udp, Services.Pod(false), Services.ClusterIP(false, 41, 53), node.Pods, node.Pods);
        var direct = Established.Open(node, Protocol.Udp, Services.Pod(false), service.Backend, node.Pods, node.Pods);

        node.Apply(Testing.Flows.FlowCase.Parse("""
            service web NodePort 172.30.0.41 dns:53/udp>5353@3053
            endpoint web 10.180.0.2 local
            """));

        direct.Asks((from, to) => Flow.First(Protocol.Udp, from, to));
    }
}
