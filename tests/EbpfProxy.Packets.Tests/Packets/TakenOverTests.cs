using System.Diagnostics;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Connections;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Node;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>
/// What a connection has of one before it: a client's port goes on with the ends that it had at the same backend, and what is
/// closing makes room for who finds no port.
/// </summary>
[Collection(PacketTests.Name)]
public sealed class TakenOverTests(PacketKernel kernel)
{
    private const int RowsOfOne = 4;

    /// <summary>Longer than what is closing keeps its ports.</summary>
    private static readonly TimeSpan _quiet = TimeSpan.FromSeconds(3);

    /// <summary>Shorter than that.</summary>
    private static readonly TimeSpan _moment = TimeSpan.FromSeconds(1);

    /// <summary>So many that nobody gets one twice by chance.</summary>
    private static readonly NodeSettings _manyPorts = new() { FirstSourcePort = 1024, SourcePorts = 60000 };

    private static readonly NodeSettings _onePort = new() { FirstSourcePort = 30000, SourcePorts = 1 };

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Client_that_begins_anew_is_masked_as_before(bool isV6)
    {
        var node = kernel.Start(Services.Both, _manyPorts);
        var before = Reset(Open(node, isV6));

        var now = Open(node, isV6).Shake();

        Assert.Equal(before.Source, now.Source);
        Assert.Equal(RowsOfOne, Rows(node));
    }

    [KernelFact]
    public void Client_that_begins_anew_around_the_stack_is_masked_as_before()
    {
        var node = kernel.Start(Services.Both);
        node.LetGoAround();
        var first = Packet.Tcp(Services.Outsider(false), Services.NodePort(false, 3002)).Syn();
        string before = node.Ingress(first, node.Uplink).Frame.From.ToString();
        node.Ingress(Packet.Tcp(Services.Outsider(false), Services.NodePort(false, 3002)).Rst(), node.Uplink);

        string now = node.Ingress(first, node.Uplink).Frame.From.ToString();

        Assert.Equal(before, now);
        node.Ingress(Packet.Tcp("10.180.2.1:8080", now).SynAck(), node.Uplink)
            .IsSentAs(Packet.Tcp(Services.NodePort(false, 3002), Services.Outsider(false)).SynAck().Hops(63));
        Assert.Equal(2, Rows(node));
    }

    [KernelFact]
    public void Address_that_the_device_has_no_more_is_not_taken_over()
    {
        var node = kernel.Start(Services.Both);
        Reset(Open(node));
        node.SetDevice(node.Uplink, "192.168.0.7", null);

        var now = Open(node);

        Assert.Equal("192.168.0.7", now.SourceAddress);
        Assert.Equal(RowsOfOne, Rows(node));
        var answers = ConnectionFlows.Of(Assert.Single(node.Connections())).Single(row => row.Role == FlowRole.Return).Key;
        Assert.Equal(now.SourceAddress, answers.Destination.ToAddress().ToString());
        Assert.True(node.Programs.Flows.TryGet(answers, out _));
    }

    [KernelFact]
    public void Nothing_is_left_of_a_source_on_a_device_that_has_none()
    {
        var node = kernel.Start(Services.Both);
        Reset(Open(node));
        node.SetDevice(node.Uplink, null, null);
        var asked = node.Ingress(First(), node.Uplink);
        node.Egress(asked.Bytes, node.Uplink, cameBy: node.Uplink).IsDropped(Reason.NoSourceAddress);
        Assert.Equal(RowsOfOne - 1, Rows(node));

        node.SetDevice(node.Uplink, "192.168.0.2", null);
        node.Egress(asked.Bytes, node.Uplink, cameBy: node.Uplink).Counts();

        Assert.Equal(RowsOfOne, Rows(node));
    }

    [KernelFact]
    public void Source_at_another_backend_is_chosen_anew()
    {
        var node = kernel.Start(Services.Both, _manyPorts);
        var before = Reset(Open(node));
        node.Apply(FlowCase.Parse("""
            service far NodePort 172.30.0.42 http:80/tcp>8080@3002
            endpoint far 10.180.2.9 remote
            """));

        var now = Open(node).Shake();

        Assert.Equal("10.180.2.9:8080", now.Backend);
        Assert.NotEqual(before.Source, now.Source);
        Assert.Equal(RowsOfOne, Rows(node));
    }

    /// <summary>The port that would be tried first behind the second service is another's: this one was drawn by chance.</summary>
    [KernelFact]
    public void Port_by_which_two_services_are_told_apart_stays_with_the_client()
    {
        const ushort ports = 30000;
        const int client = 3333;
        const int asFarInTheRange = client + ports;
        var node = kernel.Start(Services.Both, new NodeSettings { FirstSourcePort = 35000, SourcePorts = ports });
        var near = OpenLocal(node, 43, client);
        OpenLocal(node, 43, asFarInTheRange);
        var other = OpenLocal(node, 44, asFarInTheRange);
        var before = Reset(OpenLocal(node, 44, client));

        var now = OpenLocal(node, 44, client).Shake();

        Assert.Equal(before.Inner, now.Inner);
        near.Shake();
        other.Shake();
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Source_of_what_is_closing_makes_room(bool isReset)
    {
        var node = kernel.Start(Services.Both, _onePort);
        var first = isReset ? Reset(Open(node, port: 4000)) : Closed(Open(node, port: 4000));
        node.Age(_quiet);

        var second = Open(node, port: 4001).Shake();

        Assert.Equal(first.Source, second.Source);
        Assert.Equal(RowsOfOne, Rows(node));
        node.Ingress(Packet.Tcp(first.Client, first.Frontend).Ack(), node.Uplink).Counts(Reason.NoConnection);
    }

    /// <summary>Who frees its record counts them.</summary>
    [KernelFact]
    public void Bytes_of_what_made_room_are_not_counted_yet()
    {
        var node = kernel.Start(Services.Both, _onePort);
        uint service = Reset(Open(node, port: 4000)).Node.Connections()[0].Service;
        node.Age(_quiet);
        ulong before = node.Programs.Tables.Tallies.Read(service).BytesSent;

        Open(node, port: 4001);

        Assert.Equal(before, node.Programs.Tables.Tallies.Read(service).BytesSent);
    }

    /// <summary>One round is as good as another; one that took longer than a moment says nothing.</summary>
    [KernelFact]
    public void Source_of_what_closed_a_moment_ago_makes_no_room()
    {
        for (int round = 0; round < 20; round++)
        {
            var node = kernel.Start(Services.Both, _onePort);
            var clock = Stopwatch.StartNew();
            var first = Closed(Open(node, port: 4000));
            var asked = node.Ingress(First(4001), node.Uplink);
            var forwarded = node.Egress(asked.Bytes, node.Uplink, cameBy: node.Uplink);
            if (clock.Elapsed < _moment)
            {
                forwarded.IsDropped(Reason.NoSourcePort);
                first.Answers((from, to) => Packet.Tcp(from, to).Payload(3));
                return;
            }
        }

        Assert.Fail("eight packets take this machine a second");
    }

    [KernelFact]
    public void Source_of_what_was_silent_for_too_long_is_not_taken_over()
    {
        var node = kernel.Start(Services.Both, _manyPorts);
        var before = Reset(Open(node));
        node.Age(TimeSpan.FromSeconds(11));

        Assert.NotEqual(before.Source, Open(node).Shake().Source);
        Assert.Equal(RowsOfOne, Rows(node));
    }

    [KernelFact]
    public void Source_of_what_one_side_has_closed_makes_no_room()
    {
        var node = kernel.Start(Services.Both, _onePort);
        var first = Open(node, port: 4000).Shake();
        first.Asks((from, to) => Packet.Tcp(from, to).Fin());
        node.Age(_quiet);

        var asked = node.Ingress(First(4001), node.Uplink);
        node.Egress(asked.Bytes, node.Uplink, cameBy: node.Uplink).IsDropped(Reason.NoSourcePort);

        first.Answers((from, to) => Packet.Tcp(from, to).Payload(3));
    }

    /// <summary>By chance it would not be so: the last would find one of its own in eight tries of a hundred.</summary>
    [KernelFact]
    public void Every_port_of_a_client_has_another_one_behind_the_second_service()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { SourcePorts = 100 });

        for (int port = 3000; port < 3100; port++)
        {
            OpenLocal(node, 43, port);
            OpenLocal(node, 44, port);
        }
    }

    [KernelFact]
    public void Port_by_which_services_are_told_apart_makes_room_when_that_is_closing()
    {
        var node = kernel.Start(Services.Both, _onePort);
        OpenLocal(node, 43, 3333);
        OpenLocal(node, 43, 3334);
        var before = Reset(OpenLocal(node, 44, 3333));
        node.Age(_quiet);

        var now = OpenLocal(node, 44, 3334).Shake();

        Assert.Equal("10.180.0.9:30000", before.Inner);
        Assert.Equal(before.Inner, now.Inner);
    }

    [KernelFact]
    public void Port_by_which_services_are_told_apart_stays_with_who_is_open()
    {
        var node = kernel.Start(Services.Both, _onePort);
        OpenLocal(node, 43, 3333);
        OpenLocal(node, 43, 3334);
        var open = OpenLocal(node, 44, 3333).Shake();
        node.Age(_quiet);

        node.Ingress(Flow.First(Protocol.Tcp, Services.Pod(false, 3334), Services.ClusterIP(false, 44)), node.Pods).IsDropped(Reason.NoSourcePort);

        open.Asks((from, to) => Packet.Tcp(from, to).Payload(3));
    }

    private static Packet First(int port = 3333) => Packet.Tcp(Services.Outsider(false, port), Services.NodePort(false, 3002)).Syn();

    private static Established Open(ProxyNode node, bool isV6 = false, int port = 3333) => Established.Open(
        node, Protocol.Tcp, Services.Outsider(isV6, port), Services.NodePort(isV6, 3002), node.Uplink, node.Uplink);

    private static Established OpenLocal(ProxyNode node, int service, int port) => Established.Open(
        node, Protocol.Tcp, Services.Pod(false, port), Services.ClusterIP(false, service), node.Pods, node.Pods);

    private static Established Reset(Established flow)
    {
        flow.Shake().Asks((from, to) => Packet.Tcp(from, to).Rst());
        return flow;
    }

    private static Established Closed(Established flow)
    {
        flow.Shake().Asks((from, to) => Packet.Tcp(from, to).Fin());
        flow.Answers((from, to) => Packet.Tcp(from, to).Fin());
        return flow;
    }

    private static int Rows(ProxyNode node) => node.Programs.Flows.ReadAll().Count;
}
