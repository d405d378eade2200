using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>Datagrams in pieces, of which only the first one has ports.</summary>
[Collection(PacketTests.Name)]
public sealed class FragmentTests(PacketKernel kernel)
{
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fragments_in_order_are_translated_both_ways(bool isV6)
    {
        var flow = Open(isV6);

        foreach (var (offset, length) in ((int, int)[])[(0, 48), (48, 48), (96, 1000)])
        {
            flow.Asks((from, to) => Packet.Udp(from, to).Payload(120).Identified(9).Fragment(offset, length));
        }

        foreach (var (offset, length) in ((int, int)[])[(0, 8), (8, 80), (88, 1000)])
        {
            flow.Answers((from, to) => Packet.Udp(from, to).Payload(120).Identified(10).Fragment(offset, length));
        }
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fragment_before_the_first_one_is_kept_until_that_comes(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        string client = Services.Pod(isV6);
        string frontend = Services.ClusterIP(isV6, 41, 53);
        string backend = Services.End(isV6, "10.180.0.1", "fd00:10:180::1", 5353);
        var whole = Packet.Udp(client, frontend).Payload(120).Identified(9);
        var expected = Packet.Udp(client, backend).Payload(120).Identified(9);

        AssertKept(node.Ingress(whole.Fragment(64), node.Pods));

        // That it comes in again is for the device to show: a test run has no more than this one packet.
        node.Ingress(whole.Fragment(0, 64), node.Pods).GoesOnAs(expected.Fragment(0, 64)).Counts(Reason.ConnectionOpened);
        node.Ingress(whole.Fragment(64), node.Pods).GoesOnAs(expected.Fragment(64)).Counts();
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Only_so_many_fragments_are_kept_for_one_that_does_not_come(bool isV6)
    {
        const int kept = 8;
        var node = kernel.Start(Services.Both);
        var part = Packet.Udp(Services.Pod(isV6), Services.ClusterIP(isV6, 41, 53)).Payload(120).Identified(9).Fragment(64);
        for (int i = 0; i < kept; i++)
        {
            AssertKept(node.Ingress(part, node.Pods));
        }

        node.Ingress(part, node.Pods).IsDropped(Reason.UnknownFragment);
    }

    [KernelFact]
    public void Fragments_of_another_datagram_do_not_get_the_ports_of_this_one()
    {
        var flow = Open(isV6: false);
        flow.Asks((from, to) => Packet.Udp(from, to).Payload(120).Identified(9).Fragment(0, 64));
        var other = Packet.Udp(flow.Client, flow.Frontend).Payload(120).Identified(10).Fragment(64);

        AssertKept(flow.Node.Ingress(other, flow.Inside));
    }

    [KernelFact]
    public void Fragments_that_are_none_of_ours_pass()
    {
        var node = kernel.Start(Services.Both);
        var packet = Packet.Udp(Services.Outsider(false), "198.51.100.1:53").Payload(120).Identified(9);

        foreach (var part in (Packet[])[packet.Fragment(64), packet.Fragment(0, 64), packet.Fragment(64)])
        {
            node.Ingress(part, node.Uplink).GoesOnAs(part).Counts();
            node.Egress(part, node.Uplink, cameBy: node.Pods).GoesOnAs(part).Counts();
        }
    }

    /// <summary>A fragment header on a datagram that is whole (RFC 6946).</summary>
    [KernelFact]
    public void Datagram_of_one_fragment_is_translated()
        => Open(isV6: true).Asks((from, to) => Packet.Udp(from, to).Payload(20).Identified(9).Fragment(0));

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fragment_at_the_highest_offset_is_translated(bool isV6)
    {
        var flow = Open(isV6);
        flow.Asks((from, to) => Packet.Udp(from, to).Payload(65527 - 40).Identified(9).Fragment(0, 64));

        flow.Asks((from, to) => Packet.Udp(from, to).Payload(65527 - 40).Identified(9).Fragment(65440));
    }

    /// <summary>Taken out of the device's stream, and not as a loss.</summary>
    private static void AssertKept(Step step)
    {
        Assert.Equal(HookVerdict.Drop, step.Verdict);
        step.Counts();
    }

    private Established Open(bool isV6)
    {
        var node = kernel.Start(Services.Both);
        return Established.Open(node, Protocol.Udp, Services.Outsider(isV6), Services.NodePort(isV6, 3054), node.Uplink, node.Uplink);
    }
}
