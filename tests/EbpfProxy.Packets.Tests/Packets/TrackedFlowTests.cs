using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>What connection tracking translates, on kernels whose programs are told so by a table.</summary>
[Collection(PacketTests.Name)]
public sealed class TrackedFlowTests(PacketKernel kernel)
{
    private static readonly NodeSettings _follows = new() { FollowsConntrack = true };

    public static MatrixTheoryData<Protocol, bool, bool> Rows { get; } = new([Protocol.Tcp, Protocol.Udp], [false, true], [false, true]);

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Packet_in_mid_flow_is_left_alone_where_it_is_translated_and_only_there(Protocol protocol, bool isV6, bool isNodePort)
    {
        var node = kernel.Start(Services.Both, _follows);
        string client = Services.Outsider(isV6);
        string frontend = Frontend(protocol, isV6, isNodePort);
        var packet = InMidFlow(protocol, client, frontend);
        node.Track(protocol, client, frontend);

        node.Ingress(packet, node.Uplink).GoesOnAs(packet).Counts(Reason.LeftToConntrack);

        var other = InMidFlow(protocol, Services.Outsider(isV6, 3334), frontend);
        node.Ingress(other, node.Uplink).Counts(protocol == Protocol.Tcp ? Reason.NoConnection : Reason.ConnectionOpened);
    }

    [KernelTheory]
    [InlineData(Protocol.Tcp, false)]
    [InlineData(Protocol.Tcp, true)]
    [InlineData(Protocol.Udp, false)]
    [InlineData(Protocol.Udp, true)]
    public void Packet_to_a_service_that_is_gone_goes_on_where_it_is_translated(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.Both, _follows);
        string client = Services.Pod(isV6);
        string nobody = Services.ClusterIP(isV6, 99);
        var packet = InMidFlow(protocol, client, nobody);
        node.Programs.ServicePrefixes.Write([PrefixOf("172.30.0.0/16"), PrefixOf("fd00:172::/112")]);
        try
        {
            node.Egress(packet, node.Uplink, cameBy: 0).IsDropped(Reason.Unallocated);

            node.Track(protocol, client, nobody);

            node.Egress(packet, node.Uplink, cameBy: 0).GoesOnAs(packet).Counts();
        }
        finally
        {
            node.Programs.ServicePrefixes.Write([]);
        }
    }

    [KernelFact]
    public void Syn_begins_a_connection_though_its_ports_are_translated()
    {
        var node = kernel.Start(Services.Both, _follows);
        node.Track(Protocol.Tcp, Services.Pod(false), Services.ClusterIP(false, 41));

        node.Ingress(Packet.Tcp(Services.Pod(false), Services.ClusterIP(false, 41)).Syn(), node.Pods).Counts(Reason.ConnectionOpened);
    }

    /// <summary>While no controller tells that a flow ended, its silence does.</summary>
    [KernelTheory]
    [InlineData(110, Reason.LeftToConntrack)]
    [InlineData(121, Reason.ConnectionOpened)]
    public void Row_of_a_silent_flow_counts_no_more(int seconds, Reason expected)
    {
        var node = kernel.Start(Services.Both, _follows);
        string frontend = Services.ClusterIP(false, 41, 53);
        node.Track(Protocol.Udp, Services.Pod(false), frontend, silence: TimeSpan.FromSeconds(seconds));
        ulong before = Assert.Single(node.Programs.Tracked.Enumerate()).Value.LastSeenNs;

        node.Ingress(Packet.Udp(Services.Pod(false), frontend), node.Pods).Counts(expected);

        bool isRefreshed = Assert.Single(node.Programs.Tracked.Enumerate()).Value.LastSeenNs > before;
        Assert.Equal(expected == Reason.LeftToConntrack, isRefreshed);
    }

    [KernelFact]
    public void Port_that_connection_tracking_masquerades_with_is_not_taken()
    {
        var node = kernel.Start(Services.Both, _follows with { FirstSourcePort = 30000, SourcePorts = 2 });
        node.Track(Protocol.Udp, "10.180.2.1:5353", "192.168.0.2:30001");

        var flow = Established.Open(
            node, Protocol.Udp, Services.Outsider(false), Services.NodePort(false, 3054), node.Uplink, node.Uplink);

        Assert.Equal("192.168.0.2:30000", flow.Source);
    }

    private static string Frontend(Protocol protocol, bool isV6, bool isNodePort) => (protocol, isNodePort) switch
    {
        (Protocol.Tcp, false) => Services.ClusterIP(isV6, 41),
        (_, false) => Services.ClusterIP(isV6, 41, 53),
        (Protocol.Tcp, true) => Services.NodePort(isV6, 3001),
        (_, true) => Services.NodePort(isV6, 3053),
    };

    private static Packet InMidFlow(Protocol protocol, string from, string to) =>
        protocol == Protocol.Tcp ? Packet.Tcp(from, to).Ack() : Packet.Udp(from, to).Payload(5);

    private static Prefix PrefixOf(string text) => Prefix.TryParse(text, out var prefix) ? prefix : throw new FormatException(text);
}
