using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Node;
using EbpfProxy.Testing.Packets;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>The life of connections: when one begins, goes on, ends, makes room.</summary>
[Collection(PacketTests.Name)]
public sealed class ConnectionTests(PacketKernel kernel)
{
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Two_first_packets_of_a_flow_get_one_connection(bool isV6)
    {
        var node = kernel.Start(FlowCase.Parse("""
            service web ClusterIP 172.30.0.41,fd00:172::41 http:80/tcp>8080
            endpoint web 10.180.0.1 local
            endpoint web 10.180.0.2 local
            endpoint web fd00:10:180::1 local
            endpoint web fd00:10:180::2 local
            """));
        var syn = Packet.Tcp(Services.Pod(isV6), Services.ClusterIP(isV6, 41)).Syn();

        var first = node.Ingress(syn, node.Pods).Counts(Reason.ConnectionOpened);

        for (int i = 0; i < 20; i++)
        {
            node.Ingress(syn, node.Pods).GoesOnAs(Packet.Tcp(Services.Pod(isV6), first.Frame.To.ToString()).Syn()).Counts();
        }

        Assert.Single(node.Connections());
    }

    /// <summary>Both services lead to one backend; its answers to one port of the client could not be told apart.</summary>
    [KernelTheory]
    [InlineData(Protocol.Tcp, false)]
    [InlineData(Protocol.Tcp, true)]
    [InlineData(Protocol.Udp, false)]
    [InlineData(Protocol.Udp, true)]
    public void Two_services_with_one_backend_are_told_apart_behind_one_client_port(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.Both);
        int port = protocol == Protocol.Tcp ? 80 : 53;
        var near = Established.Open(node, protocol, Services.Pod(isV6), Services.ClusterIP(isV6, 43, port), node.Pods, node.Pods);

        var twin = Established.Open(node, protocol, Services.Pod(isV6), Services.ClusterIP(isV6, 44, port), node.Pods, node.Pods);

        Assert.Equal(near.Backend, twin.Backend);
        Assert.Equal(Services.Pod(isV6), near.Inner);
        Assert.NotEqual(near.Inner, twin.Inner);
        near.Answers((from, to) => Flow.Reply(protocol, from, to));
        twin.Answers((from, to) => Flow.Reply(protocol, from, to));
        near.Asks((from, to) => Flow.First(protocol, from, to));
        twin.Asks((from, to) => Flow.First(protocol, from, to));
    }

    [KernelFact]
    public void Syn_on_a_connection_that_was_closed_begins_a_new_one()
    {
        var flow = OpenTcp().Shake();
        flow.Asks((from, to) => Packet.Tcp(from, to).Fin());
        flow.Answers((from, to) => Packet.Tcp(from, to).Fin());
        flow.Asks((from, to) => Packet.Tcp(from, to).Ack());

        flow.Node.Ingress(Packet.Tcp(flow.Client, flow.Frontend).Syn().Numbers(5), flow.Inside).Counts(Reason.ConnectionOpened);

        var now = Assert.Single(flow.Node.Connections());
        Assert.Equal(SeenFlags.Any | SeenFlags.Syn, now.SeenAsk);
        Assert.Equal(SeenFlags.None, now.SeenAnswer);
    }

    [KernelFact]
    public void Syn_after_a_reset_begins_a_new_one_and_one_in_mid_flow_does_not()
    {
        var flow = OpenTcp().Shake();

        flow.Asks((from, to) => Packet.Tcp(from, to).Syn());
        flow.Answers((from, to) => Packet.Tcp(from, to).Rst());
        flow.Node.Ingress(Packet.Tcp(flow.Client, flow.Frontend).Syn(), flow.Inside).Counts(Reason.ConnectionOpened);
    }

    [KernelTheory]
    [InlineData(270, false)]
    [InlineData(301, true)]
    public void Established_connection_ends_after_its_time_of_silence(int seconds, bool isOver)
    {
        var timeouts = new NodeSettings().Timeouts with { TcpEstablished = 300 };
        var flow = OpenTcp(kernel.Start(Services.Both, new NodeSettings { Timeouts = timeouts })).Shake();
        flow.Node.Age(TimeSpan.FromSeconds(seconds));

        var step = flow.Node.Ingress(Packet.Tcp(flow.Client, flow.Frontend).Ack(), flow.Inside);

        Assert.Equal(isOver ? HookVerdict.Redirect : HookVerdict.GoOn, step.Verdict);
        Assert.Equal(isOver, step.Counted.ContainsKey(Reason.NoConnection));
    }

    [KernelTheory]
    [InlineData(false, 25, false)]
    [InlineData(false, 31, true)]
    [InlineData(true, 108, false)]
    [InlineData(true, 121, true)]
    public void Datagrams_end_after_half_a_minute_of_silence_and_those_that_went_on_after_an_answer_after_two(bool wentOn, int seconds, bool isOver)
    {
        var node = kernel.Start(Services.Both);
        var flow = Established.Open(node, Protocol.Udp, Services.Pod(false), Services.ClusterIP(false, 41, 53), node.Pods, node.Pods);
        flow.Answers((from, to) => Flow.Reply(Protocol.Udp, from, to));
        if (wentOn)
        {
            node.Ingress(Flow.First(Protocol.Udp, flow.Client, flow.Frontend), flow.Inside);
        }

        node.Age(TimeSpan.FromSeconds(seconds));

        var step = node.Ingress(Flow.First(Protocol.Udp, flow.Client, flow.Frontend), flow.Inside);

        Assert.Equal(isOver, step.Counted.ContainsKey(Reason.ConnectionOpened));
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Datagrams_follow_their_service_to_another_backend_and_segments_do_not(bool isV6)
    {
        var node = kernel.Start(FlowCase.Parse("""
            service web ClusterIP 172.30.0.41,fd00:172::41 http:80/tcp dns:53/udp
            endpoint web 10.180.0.1 local
            endpoint web fd00:10:180::1 local
            """));
        var udp = Established.Open(node, Protocol.Udp, Services.Pod(isV6), Services.ClusterIP(isV6, 41, 53), node.Pods, node.Pods);
        var tcp = Established.Open(node, Protocol.Tcp, Services.Pod(isV6), Services.ClusterIP(isV6, 41, 80), node.Pods, node.Pods).Shake();

        node.Apply(FlowCase.Parse("""
            service web ClusterIP 172.30.0.41,fd00:172::41 http:80/tcp dns:53/udp
            endpoint web 10.180.0.2 local
            endpoint web fd00:10:180::2 local
            """));

        string moved = Services.End(isV6, "10.180.0.2", "fd00:10:180::2", 53);
        node.Ingress(Flow.First(Protocol.Udp, udp.Client, udp.Frontend), node.Pods)
            .GoesOnAs(Flow.First(Protocol.Udp, udp.Client, moved)).Counts(Reason.ConnectionOpened);
        tcp.Asks((from, to) => Packet.Tcp(from, to).Payload(7));
        tcp.Answers((from, to) => Packet.Tcp(from, to).Payload(7));
    }

    [KernelFact]
    public void Unanswered_flows_make_room_and_answered_ones_never()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = 8 });
        var answered = Enumerable.Range(0, 4).Select(i => OpenTcp(node, 4000 + i).Shake()).ToArray();

        for (int i = 0; i < 100; i++)
        {
            var step = node.Ingress(Packet.Tcp(Services.Outsider(false, 5000 + i), Services.NodePort(false, 3002)).Syn(), node.Uplink);

            Assert.Equal(HookVerdict.GoOn, step.Verdict);
            Assert.Contains(Reason.ConnectionOpened, step.Counted.Keys);
            Assert.Equal(i >= 4, step.Counted.ContainsKey(Reason.ConnectionEvicted));
        }

        Array.ForEach(answered, flow => flow.Asks((from, to) => Packet.Tcp(from, to).Payload(3)));
        Array.ForEach(answered, flow => flow.Answers((from, to) => Packet.Tcp(from, to).Payload(3)));
    }

    /// <summary>A client that uses few ports, one after the other, takes no more places than ports.</summary>
    [KernelFact]
    public void Connection_that_begins_anew_has_the_place_of_the_one_before()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = 8 });

        for (int i = 0; i < 50; i++)
        {
            var flow = OpenTcp(node, 4000).Shake();
            flow.Asks((from, to) => Packet.Tcp(from, to).Rst());

            Assert.Single(node.Connections());
            Assert.Equal(4, node.Programs.Flows.ReadAll().Count);
        }
    }

    [KernelFact]
    public void Tokens_of_connections_that_began_anew_are_in_nobodys_way()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = 64 });
        foreach (int port in Enumerable.Repeat(4000, 20).Concat(Enumerable.Range(4000, 64)))
        {
            OpenTcp(node, port).Shake().Asks((from, to) => Packet.Tcp(from, to).Rst());
        }

        node.Ingress(Packet.Tcp(Services.Outsider(false, 5000), Services.NodePort(false, 3002)).Syn(), node.Uplink).Counts(Reason.ConnectionOpened);
    }

    [KernelFact]
    public void Token_of_a_connection_that_has_ended_makes_room_in_the_full_queue_of_the_closing()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = 64 });
        var closing = new BpfQueueMap<FlowWord>(node.Programs.Object.GetMap("closing").Map);
        while (closing.TryPush(new FlowWord(9, 1, FlowRole.Ask)))
        {
        }

        OpenTcp(node, 4000).Shake().Asks((from, to) => Packet.Tcp(from, to).Rst());

        Assert.True(Assert.Single(node.Connections()).Flags.HasFlag(ConnectionFlags.Closing));
    }

    [KernelFact]
    public void New_flow_is_dropped_where_only_answered_ones_are_left()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = 8 });
        var answered = Enumerable.Range(0, 8).Select(i => OpenTcp(node, 4000 + i).Shake()).ToArray();

        for (int i = 0; i < 20; i++)
        {
            node.Ingress(Packet.Tcp(Services.Outsider(false, 5000 + i), Services.NodePort(false, 3002)).Syn(), node.Uplink)
                .IsDropped(Reason.ConnectionsFull);
        }

        Array.ForEach(answered, flow => flow.Answers((from, to) => Packet.Tcp(from, to).Payload(3)));
    }

    [KernelFact]
    public void Packet_that_fits_no_side_of_a_connection_is_left_alone()
    {
        var flow = OpenTcp().Shake();
        string stranger = "10.180.2.9:8080";
        var forged = Packet.Tcp(stranger, flow.Source).Ack();
        var other = Packet.Tcp(flow.Backend, flow.SourceAddress + ":19999").Ack();

        flow.Node.Ingress(forged, flow.Outside).GoesOnAs(forged).Counts();
        flow.Node.Ingress(other, flow.Outside).GoesOnAs(other).Counts();
    }

    [KernelFact]
    public void Connection_that_goes_on_well_after_a_reset_was_not_reset()
    {
        var flow = ResetByBackend(TimeSpan.FromSeconds(2));

        flow.Answers((from, to) => Packet.Tcp(from, to).Payload(7));

        Assert.False(SeenAnswer(flow).HasFlag(SeenFlags.Rst));
        flow.Node.Age(TimeSpan.FromMinutes(10));
        flow.Asks((from, to) => Packet.Tcp(from, to).Payload(7));
        flow.Asks((from, to) => Packet.Tcp(from, to).Syn());
    }

    /// <summary>A segment that was under way says nothing, nor does the side that did not reset, nor one that says it again.</summary>
    [KernelTheory]
    [InlineData(50, true, "ack")]
    [InlineData(2000, false, "ack")]
    [InlineData(2000, true, "rst")]
    [InlineData(2000, true, "syn-ack")]
    public void Reset_connection_stays_reset_whatever_else_comes(int milliseconds, bool isAnswer, string what)
    {
        var flow = ResetByBackend(TimeSpan.FromMilliseconds(milliseconds));
        Func<string, string, Packet> packet = (from, to) => what switch
        {
            "ack" => Packet.Tcp(from, to).Ack(),
            "rst" => Packet.Tcp(from, to).Rst(),
            _ => Packet.Tcp(from, to).SynAck(),
        };

        if (isAnswer)
        {
            flow.Answers(packet);
        }
        else
        {
            flow.Asks(packet);
        }

        Assert.True(SeenAnswer(flow).HasFlag(SeenFlags.Rst));
        flow.Node.Ingress(Packet.Tcp(flow.Client, flow.Frontend).Syn(), flow.Inside).Counts(Reason.ConnectionOpened);
    }

    /// <summary>What is within a second of the reset itself counts as under way, however long before it the last packet was.</summary>
    [KernelFact]
    public void Segment_under_way_is_told_by_the_time_of_the_reset()
    {
        var flow = OpenTcp().Shake();
        flow.Node.Age(TimeSpan.FromSeconds(5));
        flow.Answers((from, to) => Packet.Tcp(from, to).Rst());
        flow.Node.Age(TimeSpan.FromMilliseconds(50));

        flow.Answers((from, to) => Packet.Tcp(from, to).Ack());

        Assert.True(SeenAnswer(flow).HasFlag(SeenFlags.Rst));
    }

    [KernelFact]
    public void Connection_that_goes_on_after_a_reset_makes_no_room()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = 8 });
        var held = Enumerable.Range(0, 8).Select(i => OpenTcp(node, 4000 + i).Shake()).ToArray();
        held[0].Answers((from, to) => Packet.Tcp(from, to).Rst());
        node.Age(TimeSpan.FromSeconds(2));
        held[0].Answers((from, to) => Packet.Tcp(from, to).Payload(7));

        node.Ingress(Packet.Tcp(Services.Outsider(false, 5000), Services.NodePort(false, 3002)).Syn(), node.Uplink)
            .IsDropped(Reason.ConnectionsFull);

        held[0].Asks((from, to) => Packet.Tcp(from, to).Payload(7));
    }

    /// <summary>Who looked at a connection before its id was used again comes late: the next connection is none of his.</summary>
    [KernelTheory]
    [InlineData(5, 5, 6)]
    [InlineData(3, 5, 5)]
    [InlineData(5, 6, 6)]
    [InlineData(0x3fffffff, 0x3fffffff, 0)]
    public void Connection_is_ended_by_who_knows_its_generation_and_by_no_other(int known, int generation, int then)
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Object = "Bpf/end.bpf.o" });
        node.Programs.Connections[known & 0xff] = new ConnectionValue { Generation = (uint)generation };
        byte[] token = [.. BitConverter.GetBytes((ulong)(known & 0xff)), .. BitConverter.GetBytes((ulong)known)];

        var step = node.Run("end", Packet.Udp(Services.Pod(false), Services.ClusterIP(false, 41, 53)).Payload(token), node.Pods);

        Assert.Equal(known == generation ? HookVerdict.Drop : HookVerdict.Accept, step.Verdict);
        Assert.Equal((uint)then, node.Programs.Connections[known & 0xff].Generation);
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Answer_of_a_backend_that_left_still_comes_from_the_frontend(bool isV6)
    {
        var node = kernel.Start(Talk("10.180.0.1", "fd00:10:180::1"));
        var flow = Established.Open(node, Protocol.Udp, Services.Pod(isV6), Services.ClusterIP(isV6, 41, 53), node.Pods, node.Pods);

        node.Apply(Talk("10.180.0.2", "fd00:10:180::2"));

        flow.Answers((from, to) => Flow.Reply(Protocol.Udp, from, to));
    }

    [KernelFact]
    public void Datagrams_stay_with_a_backend_that_left_while_nobody_else_serves()
    {
        var node = kernel.Start(Talk("10.180.0.1", "fd00:10:180::1"));
        var flow = Established.Open(node, Protocol.Udp, Services.Pod(false), Services.ClusterIP(false, 41, 53), node.Pods, node.Pods);

        node.Apply(FlowCase.Parse("service web ClusterIP 172.30.0.41,fd00:172::41 dns:53/udp"));

        flow.Asks((from, to) => Flow.First(Protocol.Udp, from, to));
        flow.Answers((from, to) => Flow.Reply(Protocol.Udp, from, to));
    }

    /// <summary>A service that is made anew, or whose port gets another name, is another one.</summary>
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Datagrams_go_to_the_service_that_has_the_frontend_of_one_that_went(bool isV6)
    {
        var node = kernel.Start(Talk("10.180.0.1", "fd00:10:180::1"));
        string client = Services.Pod(isV6), frontend = Services.ClusterIP(isV6, 41, 53);
        Established.Open(node, Protocol.Udp, client, frontend, node.Pods, node.Pods);

        node.Apply(FlowCase.Parse("service other ClusterIP 172.30.0.49,fd00:172::49 dns:53/udp"));
        node.Programs.Writer.Drain();
        node.Apply(Talk("10.180.0.2", "fd00:10:180::2", "anew"));

        node.Ingress(Flow.First(Protocol.Udp, client, frontend), node.Pods)
            .GoesOnAs(Flow.First(Protocol.Udp, client, Services.End(isV6, "10.180.0.2", "fd00:10:180::2", 53)));
    }

    private static FlowCase Talk(string v4, string v6, string name = "web") => FlowCase.Parse($"""
        service {name} ClusterIP 172.30.0.41,fd00:172::41 dns:53/udp
        endpoint {name} {v4} local
        endpoint {name} {v6} local
        """);

    private static SeenFlags SeenAnswer(Established flow) => Assert.Single(flow.Node.Connections()).SeenAnswer;

    /// <summary>A connection whose backend sent a reset so long ago.</summary>
    private Established ResetByBackend(TimeSpan before)
    {
        var flow = OpenTcp().Shake();
        flow.Answers((from, to) => Packet.Tcp(from, to).Rst());
        flow.Node.Age(before);
        return flow;
    }

    private Established OpenTcp(ProxyNode? node = null, int port = 3333)
    {
        node ??= kernel.Start(Services.Both);
        return Established.Open(node, Protocol.Tcp, Services.Outsider(false, port), Services.NodePort(false, 3002), node.Uplink, node.Uplink);
    }
}
