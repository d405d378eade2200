using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>What a packet looks like after each hook: addresses, ports, checksums, and everything else as it was.</summary>
[Collection(PacketTests.Name)]
public sealed class TranslationTests(PacketKernel kernel)
{
    private static readonly byte[] _options = [2, 4, 5, 0xb4, 1, 1, 1, 1];

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Segments_of_every_form_are_translated(bool isV6)
    {
        var flow = Masqueraded(Protocol.Tcp, isV6).Shake();

        flow.Asks((from, to) => Packet.Tcp(from, to).Flags(TcpBits.Psh | TcpBits.Ack).Payload(1));
        flow.Asks((from, to) => Packet.Tcp(from, to).Payload(1400).Numbers(0xffffffff, 0x80000000).Class(0xb8).Hops(1));
        flow.Asks((from, to) => Packet.Tcp(from, to).TcpOptions(_options).Hops(255));
        flow.Answers((from, to) => Packet.Tcp(from, to).Payload(999).Window(0));
        flow.Answers((from, to) => Packet.Tcp(from, to).Fin().Hops(1));
    }

    /// <summary>As kube-proxy does without a detector for a family.</summary>
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_only_pods_of_one_family_are_told_only_strangers_of_that_are_masqueraded(bool isV6)
    {
        var node = kernel.Start(FlowCase.Parse("""
            pods 10.180.0.0/24
            service web ClusterIP 172.30.0.41,fd00:172::41 http:80/tcp>8080
            endpoint web 10.180.0.1 local
            endpoint web fd00:10:180::1 local
            """));
        string client = Services.Outsider(isV6), backend = Services.End(isV6, "10.180.0.1", "fd00:10:180::1", 8080);

        var asked = node.Ingress(Packet.Tcp(client, Services.ClusterIP(isV6, 41)).Syn(), node.Uplink).GoesOnAs(Packet.Tcp(client, backend).Syn());

        var left = node.Egress(asked.Bytes, node.Pods, cameBy: node.Uplink).Frame.From;
        Assert.Equal(isV6, left.ToString() == client);
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(36)]
    [InlineData(40)]
    public void IPv4_options_stay(int length)
    {
        var tcp = Masqueraded(Protocol.Tcp, isV6: false);
        tcp.Asks((from, to) => Packet.Tcp(from, to).WithOptions(length).DontFragment().Identified(9));

        var udp = Masqueraded(Protocol.Udp, isV6: false);
        udp.Asks((from, to) => Packet.Udp(from, to).Payload(3).WithOptions(length));
        udp.Answers((from, to) => Packet.Udp(from, to).Payload(3).WithOptions(length));
    }

    [KernelTheory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(256)]
    public void IPv6_extension_headers_stay(int length)
    {
        var udp = Masqueraded(Protocol.Udp, isV6: true);

        udp.Asks((from, to) => Packet.Udp(from, to).Payload(3).HopByHop(length));
        udp.Asks((from, to) => Packet.Udp(from, to).Payload(3).DestinationOptions(length).Flow(0xfffff));
        udp.Answers((from, to) => Packet.Udp(from, to).Payload(3).HopByHop(length).Routed().DestinationOptions(length));
    }

    [KernelTheory]
    [InlineData(1)]
    [InlineData(65535)]
    [InlineData(0)]
    public void Client_ports_at_their_limits_are_translated(int port)
    {
        foreach (bool isV6 in (bool[])[false, true])
        {
            foreach (var protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
            {
                var node = kernel.Start(Services.Both);
                string frontend = Services.ClusterIP(isV6, 41, protocol == Protocol.Tcp ? 80 : 53);

                var flow = Established.Open(node, protocol, Services.Pod(isV6, port), frontend, node.Pods, node.Pods);

                Assert.Equal(flow.Client, flow.Source);
                flow.Answers((from, to) => Flow.Reply(protocol, from, to));
            }
        }
    }

    [KernelFact]
    public void Udp_without_checksum_has_none_afterwards()
    {
        var flow = Masqueraded(Protocol.Udp, isV6: false);

        flow.Asks((from, to) => Packet.Udp(from, to).Payload(5).WithoutChecksum());
        flow.Answers((from, to) => Packet.Udp(from, to).Payload(5).WithoutChecksum());
    }

    /// <summary>The payload is chosen so that the checksum comes out as 0 behind each hook, which is written as all ones.</summary>
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Udp_checksum_that_becomes_zero_is_all_ones(bool isV6)
    {
        var flow = Masqueraded(Protocol.Udp, isV6);

        foreach (var (from, to) in ((string, string)[])[(flow.Inner, flow.Backend), (flow.Source, flow.Backend), (flow.Client, flow.Frontend)])
        {
            byte[] payload = PayloadOfSumZero(from, to);
            flow.Asks((client, server) => Packet.Udp(client, server).Payload(payload));
        }

        foreach (var (from, to) in ((string, string)[])[(flow.Backend, flow.Inner), (flow.Frontend, flow.Client)])
        {
            byte[] payload = PayloadOfSumZero(from, to);
            flow.Answers((client, server) => Packet.Udp(client, server).Payload(payload));
        }
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sctp_changes_addresses_only_and_so_keeps_its_checksum(bool isV6)
    {
        var flow = Masqueraded(Protocol.Sctp, isV6);

        Assert.Equal(":3333", flow.Source[^5..]);
        flow.Asks((from, to) => Packet.Sctp(from, to).Tag(9));
        flow.Answers((from, to) => Packet.Sctp(from, to).Tag(10));
    }

    [KernelFact]
    public void Sctp_whose_port_would_have_to_change_is_dropped()
    {
        var node = kernel.Start(Services.Both);

        var step = node.Ingress(Packet.Sctp(Services.Pod(false), Services.ClusterIP(false, 41, 81)), node.Pods);

        Assert.Equal(HookVerdict.Drop, step.Verdict);
        Assert.Contains(Reason.NotRewritable, step.Counted.Keys);
    }

    [KernelFact]
    public void Frame_with_a_tag_in_it_is_left_alone()
    {
        var node = kernel.Start(Services.Both);
        var packet = Packet.Tcp(Services.Pod(false), Services.ClusterIP(false, 41)).Syn().Vlan(7);

        node.Ingress(packet, node.Pods).GoesOnAs(packet).Counts();
    }

    /// <summary>
    /// The test run takes the type of a packet without link header from where it would stand in one: the third and fourth
    /// byte of the source. So these sources say IPv4 and IPv6 there.
    /// </summary>
    [KernelTheory]
    [InlineData("8.0.0.5:3333", "192.168.0.2:3002", "10.180.2.1:8080")]
    [InlineData("[2001:db8:86dd::5]:3333", "[2001:db8::1]:3002", "[fd00:10:180::2:1]:8080")]
    public void Packets_without_link_header_are_translated(string client, string frontend, string backend)
    {
        var node = kernel.Start(Services.Both);

        var asked = node.IngressWithoutLink(Packet.Tcp(client, frontend).Syn(), node.Uplink)
            .GoesOnAs(Packet.Tcp(client, backend).Syn()).Counts(Reason.ConnectionOpened);
        var forwarded = node.EgressWithoutLink(asked.Bytes, node.Uplink, node.Uplink);

        forwarded.GoesOnAs(Packet.Tcp(forwarded.Frame.From.ToString(), backend).Syn()).Counts();
        Assert.Equal(System.Net.IPEndPoint.Parse(frontend).Address, forwarded.Frame.From.Address);
    }

    /// <summary>The kernel, which puts it on another device then, takes a link header off first, and drops what has none.</summary>
    [KernelTheory]
    [InlineData("8.0.0.5:40000", false)]
    [InlineData("[2001:db8:86dd::5]:40000", true)]
    public void Packet_of_the_node_without_link_header_leaves_with_one(string client, bool isV6)
    {
        var node = kernel.Start(Services.Both);
        byte[] packet = Packet.Udp(client, Services.ClusterIP(isV6, 42, 53)).Payload(40).ToBytes();

        var sent = node.EgressWithoutLink(packet, node.Uplink, cameBy: 0);

        Assert.Equal(HookVerdict.Redirect, sent.Verdict);
        Assert.Equal(packet.Length + 14, sent.Bytes.Length);
        Assert.All(sent.Bytes[..14], each => Assert.Equal(0, each));
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Hairpin_is_masqueraded_and_answered_to_the_pod_that_asked(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        string pod = Services.End(isV6, "10.180.0.1", "fd00:10:180::1", 3333);

        var flow = Established.Open(node, Protocol.Tcp, pod, Services.ClusterIP(isV6, 41), node.Pods, node.Pods);

        Assert.Equal(isV6 ? "fd00:10:180::ff:1" : "10.180.255.1", flow.SourceAddress);
        flow.Shake();
    }

    private Established Masqueraded(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.Both);
        int port = protocol switch
        {
            Protocol.Tcp => 3002,
            Protocol.Udp => 3054,
            Protocol.Sctp => 3081,
        };
        string frontend = protocol == Protocol.Sctp ? Services.ClusterIP(isV6, 42) : Services.NodePort(isV6, port);
        return Established.Open(node, protocol, Services.Outsider(isV6), frontend, node.Uplink, node.Uplink);
    }

    private static byte[] PayloadOfSumZero(string from, string to)
    {
        byte[] bytes = Packet.Udp(from, to).Payload([0, 0]).ToBytes();
        byte[] payload = bytes[^4..^2];
        byte[] check = Packet.Udp(from, to).Payload(payload).ToBytes()[^4..^2];
        Assert.Equal([0xff, 0xff], check);
        return payload;
    }
}
