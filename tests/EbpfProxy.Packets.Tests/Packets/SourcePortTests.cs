using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>The address and port that a masqueraded client is shown with.</summary>
[Collection(PacketTests.Name)]
public sealed class SourcePortTests(PacketKernel kernel)
{
    [KernelTheory]
    [InlineData(Protocol.Tcp, false)]
    [InlineData(Protocol.Tcp, true)]
    [InlineData(Protocol.Udp, false)]
    [InlineData(Protocol.Udp, true)]
    public void Every_client_has_a_port_of_its_own_in_the_range(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.Both, new NodeSettings { FirstSourcePort = 20000, SourcePorts = 100 });
        HashSet<int> ports = [];

        for (int i = 0; i < 50; i++)
        {
            var flow = Open(node, protocol, isV6, 4000 + i);

            Assert.True(ports.Add(System.Net.IPEndPoint.Parse(flow.Source).Port));
        }

        Assert.All(ports, port => Assert.InRange(port, 20000, 20099));
    }

    [KernelFact]
    public void Ports_are_found_until_nearly_all_are_taken()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { FirstSourcePort = 20000, SourcePorts = 100 });

        var sources = Enumerable.Range(0, 95).Select(i => Open(node, Protocol.Udp, false, 4000 + i).Source).ToHashSet();

        Assert.Equal(95, sources.Count);
    }

    [KernelFact]
    public void Both_ends_of_the_range_are_used_and_nothing_beside_them()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { FirstSourcePort = 65534, SourcePorts = 2 });

        string[] sources = [Open(node, Protocol.Udp, false, 4000).Source, Open(node, Protocol.Udp, false, 4001).Source];

        Assert.Equal(["192.168.0.2:65534", "192.168.0.2:65535"], sources.Order(StringComparer.Ordinal));
    }

    [KernelFact]
    public void Client_for_whom_no_port_is_left_is_dropped_and_the_others_go_on()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { FirstSourcePort = 30000, SourcePorts = 1 });
        var first = Open(node, Protocol.Udp, isV6: false, 4000);
        var ask = Flow.First(Protocol.Udp, Services.Outsider(false, 4001), first.Frontend);

        var asked = node.Ingress(ask, node.Uplink).Counts(Reason.ConnectionOpened);
        node.Egress(asked.Bytes, node.Uplink, cameBy: node.Uplink).IsDropped(Reason.NoSourcePort);

        Assert.Equal("192.168.0.2:30000", first.Source);
        first.Answers((from, to) => Flow.Reply(Protocol.Udp, from, to));
    }

    [KernelFact]
    public void Port_of_a_flow_that_is_over_is_free_again()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { FirstSourcePort = 30000, SourcePorts = 1 });
        Open(node, Protocol.Udp, isV6: false, 4000);
        node.Age(TimeSpan.FromSeconds(31));

        Assert.Equal("192.168.0.2:30000", Open(node, Protocol.Udp, isV6: false, 4001).Source);
    }

    [KernelFact]
    public void Same_port_serves_two_backends()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { FirstSourcePort = 30000, SourcePorts = 1 });

        var far = Open(node, Protocol.Udp, isV6: false, 4000);
        var web = Established.Open(
            node, Protocol.Udp, Services.Outsider(false, 4000), Services.NodePort(false, 3053), node.Uplink, node.Uplink);

        Assert.Equal(far.Source, web.Source);
        far.Answers((from, to) => Flow.Reply(Protocol.Udp, from, to));
        web.Answers((from, to) => Flow.Reply(Protocol.Udp, from, to));
    }

    [KernelFact]
    public void Sctp_keeps_its_port_and_the_second_client_with_it_is_dropped()
    {
        var node = kernel.Start(Services.Both);
        string frontend = Services.ClusterIP(false, 42);
        var first = Established.Open(node, Protocol.Sctp, "203.0.113.2:4000", frontend, node.Uplink, node.Uplink);

        var asked = node.Ingress(Flow.First(Protocol.Sctp, "203.0.113.3:4000", frontend), node.Uplink);
        node.Egress(asked.Bytes, node.Uplink, cameBy: node.Uplink).IsDropped(Reason.NoSourcePort);

        Assert.Equal("192.168.0.2:4000", first.Source);
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Device_without_an_address_of_the_family_masks_nobody(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        node.SetDevice(node.Uplink, isV6 ? "192.168.0.2" : null, isV6 ? null : "2001:db8::1");

        var asked = node.Ingress(Flow.First(Protocol.Tcp, Services.Outsider(isV6), Services.NodePort(isV6, 3002)), node.Uplink);

        node.Egress(asked.Bytes, node.Uplink, cameBy: node.Uplink).IsDropped(Reason.NoSourceAddress);
    }

    [KernelFact]
    public void Source_is_chosen_once()
    {
        var node = kernel.Start(Services.Both);
        var flow = Open(node, Protocol.Udp, isV6: false, 4000);

        for (int i = 0; i < 10; i++)
        {
            flow.Asks((from, to) => Flow.First(Protocol.Udp, from, to));
        }
    }

    private static Established Open(ProxyNode node, Protocol protocol, bool isV6, int port) => Established.Open(
        node,
        protocol,
        Services.Outsider(isV6, port),
        Services.NodePort(isV6, protocol == Protocol.Tcp ? 3002 : 3054),
        node.Uplink,
        node.Uplink);
}
