using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>Packets that go around the stack: one hook does what two do otherwise, and what the router between them does.</summary>
[Collection(PacketTests.Name)]
public sealed class FastPathTests(PacketKernel kernel)
{
    [KernelTheory]
    [InlineData(Protocol.Tcp, false)]
    [InlineData(Protocol.Tcp, true)]
    [InlineData(Protocol.Udp, false)]
    [InlineData(Protocol.Udp, true)]
    public void Both_ends_change_at_once_and_one_hop_is_counted(Protocol protocol, bool isV6)
    {
        var node = Start();
        string client = Services.Outsider(isV6);
        string frontend = Services.NodePort(isV6, protocol == Protocol.Tcp ? 3002 : 3054);

        var asked = node.Ingress(Flow.First(protocol, client, frontend).Hops(9), node.Uplink);
        string source = asked.Frame.From.ToString();
        string backend = asked.Frame.To.ToString();
        asked.IsSentAs(Flow.First(protocol, source, backend).Hops(8)).Counts(Reason.ConnectionOpened);

        Assert.Equal(isV6 ? "2001:db8::1" : "192.168.0.2", asked.Frame.From.Address.ToString());
        node.Ingress(Flow.Reply(protocol, backend, source).Hops(255), node.Uplink)
            .IsSentAs(Flow.Reply(protocol, frontend, client).Hops(254)).Counts();
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Answer_to_a_client_that_the_backend_sees_goes_around_too(bool isV6)
    {
        var node = Start();
        string client = Services.Outsider(isV6);
        var asked = node.Ingress(Flow.First(Protocol.Tcp, client, Services.ClusterIP(isV6, 42)), node.Uplink);
        string source = asked.Frame.From.ToString();

        node.Ingress(Flow.Reply(Protocol.Tcp, asked.Frame.To.ToString(), source), node.Uplink)
            .IsSentAs(Flow.Reply(Protocol.Tcp, Services.ClusterIP(isV6, 42), client).Hops(63)).Counts();
    }

    /// <summary>The stack says time exceeded, in the client's terms by the egress hook.</summary>
    [KernelFact]
    public void Packet_at_its_last_hop_goes_through_the_stack()
    {
        var node = Start();

        var step = node.Ingress(Packet.Tcp(Services.Outsider(false), Services.NodePort(false, 3002)).Syn().Hops(1), node.Uplink);

        step.GoesOnAs(Packet.Tcp(Services.Outsider(false), "10.180.2.1:8080").Syn().Hops(1));
    }

    [KernelFact]
    public void Fragments_go_through_the_stack()
    {
        var node = Start();
        var whole = Packet.Udp(Services.Outsider(false), Services.NodePort(false, 3054)).Payload(120).Identified(9);
        var expected = Packet.Udp(Services.Outsider(false), "10.180.2.1:5353").Payload(120).Identified(9);

        node.Ingress(whole.Fragment(0, 64), node.Uplink).GoesOnAs(expected.Fragment(0, 64));
        node.Ingress(whole.Fragment(64), node.Uplink).GoesOnAs(expected.Fragment(64));
    }

    /// <summary>They may have to be changed, or be a reason to drop it (a source route).</summary>
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Packet_with_options_goes_through_the_stack(bool isV6)
    {
        var node = Start();
        var plain = Packet.Udp(Services.Outsider(isV6), Services.NodePort(isV6, 3053)).Payload(3);
        Assert.Equal(HookVerdict.Redirect, node.Ingress(plain, node.Uplink).Verdict);

        Assert.Equal(HookVerdict.GoOn, node.Ingress(isV6 ? plain.Routed() : plain.WithOptions(8), node.Uplink).Verdict);
    }

    /// <summary>The way of a connection's packets is kept for a moment, and is no way for one that is too big for it.</summary>
    [KernelFact]
    public void Packet_too_big_for_the_way_of_those_before_it_goes_through_the_stack()
    {
        var node = Start();
        var small = Packet.Udp(Services.Outsider(false), Services.NodePort(false, 3054)).Payload(100);
        var big = Packet.Udp(Services.Outsider(false), Services.NodePort(false, 3054)).Payload(1200);
        kernel.Run("ip neigh replace 192.168.0.1 lladdr 02:00:00:00:00:01 dev uplink && ip route add 10.180.2.1 via 192.168.0.1 mtu lock 1000");
        try
        {
            var first = node.Ingress(small, node.Uplink);
            var sent = Packet.Udp(first.Frame.From.ToString(), "10.180.2.1:5353").Payload(100).Hops(63);
            first.IsSentAs(sent);
            node.Ingress(big, node.Uplink).GoesOnAs(Packet.Udp(Services.Outsider(false), "10.180.2.1:5353").Payload(1200));
            node.Ingress(small, node.Uplink).IsSentAs(sent);
        }
        finally
        {
            kernel.Run("ip route del 10.180.2.1; ip neigh del 192.168.0.1 dev uplink");
        }
    }

    private ProxyNode Start()
    {
        var node = kernel.Start(Services.Both);
        node.LetGoAround();
        return node;
    }
}
