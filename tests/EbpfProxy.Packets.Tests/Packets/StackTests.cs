using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Node;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>
/// Connections that go around the stack and come to it after all: those that are masqueraded have no rows for it before.
/// </summary>
[Collection(PacketTests.Name)]
public sealed class StackTests(PacketKernel kernel)
{
    private const int RowsAround = 2;
    private const int RowsInStack = 4;
    private const int StrangersAtOnce = 1000;

    private static readonly FlowWord _stranger = new(uint.MaxValue, 1, FlowRole.Forward);

    public static TheoryData<Protocol, bool> Flows { get; } = new()
    {
        { Protocol.Tcp, false },
        { Protocol.Tcp, true },
        { Protocol.Udp, false },
        { Protocol.Udp, true },
    };

    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Packets_that_the_stack_is_to_see_are_translated_there(Protocol protocol, bool isV6)
    {
        var flow = Open(protocol, isV6);
        Assert.Equal(RowsAround, Rows(flow.Node));

        flow.Asks((from, to) => Flow.First(protocol, from, to).Hops(1));
        flow.Answers((from, to) => Flow.Reply(protocol, from, to).Hops(1));

        Assert.Equal(RowsInStack, Rows(flow.Node));
    }

    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Answer_may_be_the_first_that_the_stack_sees(Protocol protocol, bool isV6)
    {
        var flow = Open(protocol, isV6);

        flow.Answers((from, to) => Flow.Reply(protocol, from, to).Hops(1));
        flow.Asks((from, to) => Flow.First(protocol, from, to).Hops(1));
    }

    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Connection_comes_to_the_stack_with_the_mode(Protocol protocol, bool isV6)
    {
        var flow = Open(protocol, isV6);

        flow.Node.LetGoAround(0);

        flow.Asks((from, to) => Flow.First(protocol, from, to));
        flow.Answers((from, to) => Flow.Reply(protocol, from, to));
    }

    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Error_about_what_was_asked_reaches_the_client(Protocol protocol, bool isV6)
    {
        var flow = Open(protocol, isV6);
        string router = isV6 ? "2001:db8:9::9" : "192.0.2.9";
        Packet TooBig(string host, string from, string to) => Packet.TooBig(router, host, 1400, Flow.First(protocol, from, to).Payload(600));

        var returned = flow.Node.Ingress(TooBig(flow.SourceAddress, flow.Source, flow.Backend), flow.Outside)
            .GoesOnAs(TooBig(flow.ClientAddress, flow.Inner, flow.Backend)).Counts();
        flow.Node.Egress(returned.Bytes, flow.Inside, cameBy: flow.Outside).GoesOnAs(TooBig(flow.ClientAddress, flow.Client, flow.Frontend)).Counts();
    }

    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Error_about_an_answer_reaches_the_backend(Protocol protocol, bool isV6)
    {
        var flow = Open(protocol, isV6);
        string router = isV6 ? "2001:db8:9::9" : "192.0.2.9";
        Packet Exceeded(string from, string to) => Packet.TimeExceeded(router, flow.BackendAddress, Flow.Reply(protocol, from, to));

        var asked = flow.Node.Ingress(
                Packet.TimeExceeded(router, flow.FrontendAddress, Flow.Reply(protocol, flow.Frontend, flow.Client)), flow.Inside)
            .GoesOnAs(Exceeded(flow.Backend, flow.Inner)).Counts();
        flow.Node.Egress(asked.Bytes, flow.Outside, cameBy: flow.Inside).GoesOnAs(Exceeded(flow.Backend, flow.Source)).Counts();
    }

    /// <summary>One port of a client, two frontends, one backend: what the stack sees of the two is to be told apart.</summary>
    [KernelFact]
    public void Connections_of_one_client_to_one_backend_are_told_apart_when_they_come_to_the_stack()
    {
        var node = Start(new NodeSettings { MasqueradesAll = true });
        var near = Open(node, Protocol.Tcp, Services.Outsider(false), Services.ClusterIP(false, 43));
        var twin = Open(node, Protocol.Tcp, Services.Outsider(false), Services.ClusterIP(false, 44));
        node.LetGoAround(0);

        near.Asks((from, to) => Packet.Tcp(from, to).Ack());
        var asked = node.Ingress(Packet.Tcp(twin.Client, twin.Frontend).Ack(), twin.Inside);
        string inner = asked.Frame.From.ToString();
        twin = twin with { Inner = inner };

        Assert.NotEqual(near.Inner, inner);
        node.Egress(asked.Bytes, twin.Outside, cameBy: twin.Inside).GoesOnAs(Packet.Tcp(twin.Source, twin.Backend).Ack());
        near.Answers((from, to) => Packet.Tcp(from, to).Ack());
        twin.Answers((from, to) => Packet.Tcp(from, to).Ack());
    }

    /// <summary>Its rows are as many as it has, whether they were added at first, later, or never.</summary>
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nothing_is_left_of_one_whose_client_begins_anew(bool comesToTheStack)
    {
        var flow = Open(Protocol.Tcp, isV6: false);
        if (comesToTheStack)
        {
            flow.Asks((from, to) => Packet.Tcp(from, to).Ack().Hops(1));
        }

        flow.Node.Ingress(Packet.Tcp(flow.Client, flow.Frontend).Rst(), flow.Inside);
        var again = Open(flow.Node, Protocol.Tcp, flow.Client, flow.Frontend);

        Assert.Equal(RowsAround, Rows(flow.Node));
        Assert.Single(flow.Node.Connections());
        again.Asks((from, to) => Packet.Tcp(from, to).Ack().Hops(1));
        again.Answers((from, to) => Packet.Tcp(from, to).SynAck().Hops(1));
    }

    /// <summary>The kernel's memory is at its end, or nearly: the packet is dropped, and the next one has what it needs.</summary>
    [KernelFact]
    public void Packet_for_which_there_is_no_room_in_the_table_is_dropped_and_the_connection_goes_on()
    {
        var flow = Open(Protocol.Tcp, isV6: false);
        Fill(flow.Node);

        flow.Node.Ingress(Packet.Tcp(flow.Client, flow.Frontend).Ack().Hops(1), flow.Inside).IsDropped(Reason.ConnectionsFull);
        flow.Node.Ingress(Packet.Tcp(flow.Client, flow.Frontend).Ack(), flow.Inside).IsSentAs(Packet.Tcp(flow.Source, flow.Backend).Ack().Hops(63));
        Empty(flow.Node);

        flow.Asks((from, to) => Packet.Tcp(from, to).Ack().Hops(1));
    }

    private static int Rows(ProxyNode node) => node.Programs.Flows.ReadAll().Count;

    private static FlowKey Stranger(int number) => new(default, default, (ushort)number, (ushort)(number >> 16), (byte)Protocol.Udp, FlowHook.Egress, 0);

    private static void Fill(ProxyNode node)
    {
        var flows = node.Programs.Flows;
        for (int first = 0; flows.ReadAll().Count < flows.Length * FlowBucket.Length; first += StrangersAtOnce)
        {
            flows.Change([.. Enumerable.Range(first, StrangersAtOnce).Select(number => new FlowChange(flows.DigestOf(Stranger(number)), default, _stranger))]);
        }
    }

    private static void Empty(ProxyNode node)
    {
        var flows = node.Programs.Flows;
        flows.Change([.. flows.ReadAll().Where(row => row.Word == _stranger).Select(row => new FlowChange(row.Digest, row.Word, FlowWord.Gone))]);
    }

    private ProxyNode Start(NodeSettings? settings = null)
    {
        var node = settings is null ? kernel.Start(Services.Both) : kernel.Start(Services.Both, settings);
        node.LetGoAround();
        return node;
    }

    private Established Open(Protocol protocol, bool isV6) =>
        Open(Start(), protocol, Services.Outsider(isV6), Services.NodePort(isV6, protocol == Protocol.Tcp ? 3002 : 3054));

    /// <summary>One whose first packet went around the stack.</summary>
    private static Established Open(ProxyNode node, Protocol protocol, string client, string frontend)
    {
        var asked = node.Ingress(Flow.First(protocol, client, frontend), node.Uplink);
        string source = asked.Frame.From.ToString();
        string backend = asked.Frame.To.ToString();
        asked.IsSentAs(Flow.First(protocol, source, backend).Hops(63));
        return new Established(node, protocol, client, frontend, client, backend, source, node.Uplink, node.Uplink);
    }
}
