using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>
/// Packets after the first of a connection by a node port are looked for among the connections before it is asked what their
/// destination is: here that is nothing any more, and nobody has said that there are connections of what is gone.
/// </summary>
[Collection(PacketTests.Name)]
public sealed class GoingOnTests(PacketKernel kernel)
{
    [KernelTheory]
    [InlineData(Protocol.Tcp, false)]
    [InlineData(Protocol.Tcp, true)]
    [InlineData(Protocol.Udp, false)]
    [InlineData(Protocol.Udp, true)]
    public void Connection_by_a_node_port_goes_on_without_a_look_at_its_frontend(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.Both);
        var flow = Open(node, protocol, isV6);

        WithoutFrontend(node, flow, () =>
        {
            flow.Asks((from, to) => Next(protocol, from, to));
            flow.Answers((from, to) => Flow.Reply(protocol, from, to));
        });
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Answers_at_an_address_that_masquerades_need_no_look_at_it(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        var flow = Open(node, Protocol.Tcp, isV6);
        Assert.NotEqual(flow.Client, flow.Source);
        var source = FlowCase.ParseAddress(flow.SourceAddress);
        node.Programs.Tables.Addresses.TryRead(AddressKey.From(source), out var info);

        node.Programs.Tables.Addresses.Put(AddressKey.From(source), info with { Roles = 0 });
        try
        {
            flow.Answers((from, to) => Flow.Reply(Protocol.Tcp, from, to));
        }
        finally
        {
            node.Programs.Tables.Addresses.Put(AddressKey.From(source), info);
        }
    }

    /// <summary>One beyond the range that the API server is said to have is found all the same, by its frontend.</summary>
    [KernelTheory]
    [InlineData(Protocol.Tcp)]
    [InlineData(Protocol.Udp)]
    public void Node_port_beyond_the_range_serves(Protocol protocol)
    {
        var flow = Open(kernel.Start(Services.Both, new NodeSettings { FirstNodePort = 40000 }), protocol, isV6: false);

        flow.Answers((from, to) => Flow.Reply(protocol, from, to));
        flow.Asks((from, to) => Next(protocol, from, to));
    }

    /// <summary>The node's own servers (kubelet, API server) are at ports that clients are masqueraded with, too.</summary>
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Segment_in_mid_flow_to_a_port_that_masquerades_is_for_a_socket(bool isV6)
    {
        var node = kernel.Start(Services.Both, new NodeSettings { FirstSourcePort = 3000, SourcePorts = 10, FirstNodePort = 40000 });
        var segment = Packet.Tcp(Services.Outsider(isV6), Services.NodePort(isV6, 3002)).Ack();

        node.Ingress(segment, node.Uplink).GoesOnAs(segment).Counts();
    }

    /// <summary>What begins at a frontend is for whoever has it now.</summary>
    [KernelFact]
    public void Syn_is_asked_where_it_goes_first()
    {
        var node = kernel.Start(Services.Both);
        var flow = Open(node, Protocol.Tcp, isV6: false);

        WithoutFrontend(node, flow, () =>
        {
            var syn = Packet.Tcp(flow.Client, flow.Frontend).Syn();
            node.Ingress(syn, flow.Inside).GoesOnAs(syn).Counts();
        });
    }

    private static Established Open(ProxyNode node, Protocol protocol, bool isV6) => Established.Open(
        node, protocol, Services.Outsider(isV6), Services.NodePort(isV6, protocol == Protocol.Tcp ? 3002 : 3054), node.Uplink, node.Uplink);

    private static Packet Next(Protocol protocol, string from, string to) =>
        protocol == Protocol.Tcp ? Packet.Tcp(from, to).Ack() : Packet.Udp(from, to).Payload(3);

    private static void WithoutFrontend(ProxyNode node, Established flow, Action action)
    {
        var frontends = node.Programs.Tables.Frontends;
        var frontend = System.Net.IPEndPoint.Parse(flow.Frontend);
        var family = FlowCase.ParseAddress(flow.FrontendAddress).Family;
        var key = FrontendKey.From(Address.AnyOf(family), (ushort)frontend.Port, flow.Protocol);
        Assert.True(frontends.TryRead(key, out var row));
        frontends.Remove(key);
        try
        {
            action();
        }
        finally
        {
            frontends.Put(key, row);
        }
    }
}
