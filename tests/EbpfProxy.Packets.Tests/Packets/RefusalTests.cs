using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>What a client hears where there is nobody, and that it does not hear too much.</summary>
[Collection(PacketTests.Name)]
public sealed class RefusalTests(PacketKernel kernel)
{
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Service_without_endpoints_is_unreachable_for_every_protocol(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        string client = Services.Pod(isV6);
        foreach (var packet in (Packet[])
        [
            Packet.Tcp(client, Services.ClusterIP(isV6, 45)).Syn(),
            Packet.Tcp(client, Services.ClusterIP(isV6, 45)).Syn().TcpOptions(2, 4, 5, 0xb4).Hops(1).Identified(4321).DontFragment(),
            Packet.Udp(client, Services.ClusterIP(isV6, 45, 53)),
            Packet.Udp(client, Services.ClusterIP(isV6, 45, 53)).Payload(1400),
            Packet.Sctp(client, Services.ClusterIP(isV6, 45)),
        ])
        {
            node.Ingress(packet, node.Pods).IsSentAs(Refused(packet)).Counts(Reason.NoEndpoint);
        }
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Port_that_no_service_has_is_unreachable(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        string client = Services.Pod(isV6);
        foreach (var packet in (Packet[])
        [
            Packet.Tcp(client, Services.ClusterIP(isV6, 41, 79)).Syn(),
            Packet.Tcp(client, Services.ClusterIP(isV6, 41, 81)).Syn(),
            Packet.Udp(client, Services.ClusterIP(isV6, 41)).Payload(1),
            Packet.Tcp(client, Services.ClusterIP(isV6, 41, 0)).Syn(),
            Packet.Tcp(client, Services.ClusterIP(isV6, 41, 65535)).Syn(),
        ])
        {
            node.Ingress(packet, node.Pods).IsSentAs(Refused(packet)).Counts(Reason.UnknownPort);
        }
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Address_that_only_a_service_may_have_and_none_has_is_dropped(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        string client = Services.Pod(isV6);
        string nobody = Services.ClusterIP(isV6, 99);
        Packet[] packets =
        [
            Packet.Tcp(client, nobody).Syn(),
            Packet.Udp(client, nobody).Payload(8),
            Packet.Sctp(client, nobody),
        ];
        node.Programs.ServicePrefixes.Write([Parse("192.0.2.0/24"), Parse("2001:db8:1::/48")]);
        Assert.All(packets, packet => node.Ingress(packet, node.Pods).GoesOnAs(packet));

        node.Programs.ServicePrefixes.Write([.. Many(), Parse("172.30.0.0/16"), Parse("fd00:172::/112")]);
        try
        {
            // What comes in is dropped where it leaves: others may have sent it elsewhere by then.
            Assert.All(packets, packet => node.Ingress(packet, node.Pods).GoesOnAs(packet).Counts());
            Assert.All(packets[..2], packet => node.Egress(packet, node.Uplink, cameBy: 0).IsDropped(Reason.Unallocated));
            var refused = Packet.Tcp(client, Services.ClusterIP(isV6, 41, 79)).Syn();
            node.Ingress(refused, node.Pods).Counts(Reason.UnknownPort);
            foreach (string other in new[] { Services.End(isV6, "172.29.255.255", "fd00:171:ffff::1", 80), Services.End(isV6, "172.31.0.0", "fd00:172::1:0", 80) })
            {
                var packet = Packet.Tcp(client, other).Syn();
                node.Ingress(packet, node.Pods).GoesOnAs(packet);
            }
        }
        finally
        {
            node.Programs.ServicePrefixes.Write([]);
        }

        Assert.All(packets, packet => node.Ingress(packet, node.Pods).GoesOnAs(packet));

        static IEnumerable<Prefix> Many() => Enumerable.Range(0, 14).Select(i => Parse($"198.18.{i}.0/24"));
        static Prefix Parse(string text) => Prefix.TryParse(text, out var prefix) ? prefix : throw new FormatException(text);
    }

    [KernelTheory]
    [InlineData(40)]
    [InlineData(20)]
    public void Options_of_the_refused_packet_are_quoted(int length)
    {
        var node = kernel.Start(Services.Both);
        var packet = Packet.Udp(Services.Pod(false), Services.ClusterIP(false, 45, 53)).Payload(30).WithOptions(length);

        node.Ingress(packet, node.Pods).IsSentAs(Refused(packet)).Counts(Reason.NoEndpoint);
    }

    [KernelFact]
    public void Extension_headers_of_the_refused_packet_are_quoted()
    {
        var node = kernel.Start(Services.Both);
        var packet = Packet.Udp(Services.Pod(true), Services.ClusterIP(true, 45, 53)).Payload(30).HopByHop().DestinationOptions(16);

        node.Ingress(packet, node.Pods).IsSentAs(Refused(packet)).Counts(Reason.NoEndpoint);
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Packet_of_the_node_itself_is_refused_towards_the_node(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        string client = Services.End(isV6, "192.168.0.2", "2001:db8::1", 3333);
        var packet = Packet.Udp(client, Services.ClusterIP(isV6, 45, 53)).Payload(3);

        var step = node.Egress(packet, node.Uplink, cameBy: 0).Counts(Reason.NoEndpoint);

        Assert.Equal(HookVerdict.Redirect, step.Verdict);
        Assert.Null(Frame.Difference(Frame.FromBytes(Refused(packet).ToBytes()), Frame.FromBytes(step.Bytes[14..])));
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Segment_of_no_connection_is_reset(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        string client = Services.Pod(isV6);
        string frontend = Services.ClusterIP(isV6, 41);
        foreach (var (packet, reset) in ((Packet, Packet)[])
        [
            (Packet.Tcp(client, frontend).Numbers(10, 20).Payload(5), Reset(frontend, client).Numbers(20)),
            (Packet.Tcp(client, frontend).Fin().Numbers(10, 20), Reset(frontend, client).Numbers(20)),
            (Packet.Tcp(client, frontend).SynAck().Numbers(10, 20), Reset(frontend, client).Numbers(20)),
            (Packet.Tcp(client, frontend).Flags(TcpBits.Fin).Numbers(10).Payload(5),
                Reset(frontend, client).Flags(TcpBits.Rst | TcpBits.Ack).Numbers(0, 16)),
            (Packet.Tcp(client, frontend).Flags(TcpBits.None).Numbers(0xffffffff).TcpOptions(1, 1, 1, 1).Payload(5),
                Reset(frontend, client).Flags(TcpBits.Rst | TcpBits.Ack).Numbers(0, 4)),
        ])
        {
            node.Ingress(packet, node.Pods).IsSentAs(isV6 ? reset : reset.DontFragment()).Counts(Reason.NoConnection);
        }

        Assert.Empty(node.Connections());
    }

    [KernelFact]
    public void Reset_of_no_connection_is_dropped_and_not_answered()
    {
        var node = kernel.Start(Services.Both);

        node.Ingress(Packet.Tcp(Services.Pod(false), Services.ClusterIP(false, 41)).Rst(), node.Pods).IsDropped(Reason.NoConnection);
    }

    [KernelFact]
    public void Refusals_have_a_limit_and_what_is_over_it_is_counted()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { RefusalsPerSecond = 5 });
        int answered = 0;

        for (int i = 0; i < 200; i++)
        {
            var packet = Packet.Udp(Services.Pod(false, 4000 + i), Services.ClusterIP(false, 45, 53));
            var step = node.Ingress(packet, node.Pods);
            if (step.Verdict == HookVerdict.Redirect)
            {
                answered++;
                step.IsSentAs(Refused(packet)).Counts(Reason.NoEndpoint);
            }
            else
            {
                step.IsDropped(Reason.NoEndpoint, Reason.RefusalLimited);
            }
        }

        Assert.InRange(answered, 5, 100);
    }

    private static Packet Refused(Packet packet) =>
        Refusals.Unreachable(packet, packet.Destination.ToString(), packet.Source.ToString());

    private static Packet Reset(string from, string to) => Packet.Tcp(from, to).Rst().Window(0).Back();
}
