using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>ICMP errors about packets of connections: they and what they quote read as if there were no proxy.</summary>
[Collection(PacketTests.Name)]
public sealed class IcmpErrorTests(PacketKernel kernel)
{
    public static TheoryData<Protocol, bool, bool> Flows { get; } = new()
    {
        { Protocol.Tcp, false, true },
        { Protocol.Tcp, true, true },
        { Protocol.Udp, false, true },
        { Protocol.Udp, true, true },
        { Protocol.Tcp, false, false },
        { Protocol.Tcp, true, false },
        { Protocol.Udp, false, false },
        { Protocol.Udp, true, false },
    };

    /// <summary>Something beyond the node complains of what the node forwarded; the client hears it of what it sent.</summary>
    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Error_about_what_was_asked_reaches_the_client(Protocol protocol, bool isV6, bool isMasqueraded)
    {
        var flow = Open(protocol, isV6, isMasqueraded);
        string router = isV6 ? "2001:db8:9::9" : "192.0.2.9";

        foreach (var error in Errors(protocol))
        {
            var returned = flow.Node.Ingress(error(router, flow.SourceAddress, flow.Source, flow.Backend), flow.Outside)
                .GoesOnAs(error(router, flow.ClientAddress, flow.Inner, flow.Backend)).Counts();
            flow.Node.Egress(returned.Bytes, flow.Inside, cameBy: flow.Outside)
                .GoesOnAs(error(router, flow.ClientAddress, flow.Client, flow.Frontend)).Counts();
        }
    }

    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Error_of_the_backend_itself_comes_from_the_frontend(Protocol protocol, bool isV6, bool isMasqueraded)
    {
        var flow = Open(protocol, isV6, isMasqueraded);

        foreach (var error in Errors(protocol))
        {
            var returned = flow.Node.Ingress(error(flow.BackendAddress, flow.SourceAddress, flow.Source, flow.Backend), flow.Outside)
                .GoesOnAs(error(flow.BackendAddress, flow.ClientAddress, flow.Inner, flow.Backend)).Counts();
            flow.Node.Egress(returned.Bytes, flow.Inside, cameBy: flow.Outside)
                .GoesOnAs(error(flow.FrontendAddress, flow.ClientAddress, flow.Client, flow.Frontend)).Counts();
        }
    }

    /// <summary>Something towards the client complains of an answer; the backend hears it of what it sent.</summary>
    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Error_about_an_answer_reaches_the_backend(Protocol protocol, bool isV6, bool isMasqueraded)
    {
        var flow = Open(protocol, isV6, isMasqueraded);
        string router = isV6 ? "2001:db8:9::9" : "192.0.2.9";

        foreach (var error in Errors(protocol))
        {
            var asked = flow.Node.Ingress(error(router, flow.FrontendAddress, flow.Frontend, flow.Client), flow.Inside)
                .GoesOnAs(error(router, flow.BackendAddress, flow.Backend, flow.Inner)).Counts();
            flow.Node.Egress(asked.Bytes, flow.Outside, cameBy: flow.Inside)
                .GoesOnAs(error(router, flow.BackendAddress, flow.Backend, flow.Source)).Counts();
        }
    }

    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Error_of_the_client_itself_comes_from_whom_the_backend_sees(Protocol protocol, bool isV6, bool isMasqueraded)
    {
        var flow = Open(protocol, isV6, isMasqueraded);

        foreach (var error in Errors(protocol))
        {
            var asked = flow.Node.Ingress(error(flow.ClientAddress, flow.FrontendAddress, flow.Frontend, flow.Client), flow.Inside)
                .GoesOnAs(error(flow.ClientAddress, flow.BackendAddress, flow.Backend, flow.Inner)).Counts();
            flow.Node.Egress(asked.Bytes, flow.Outside, cameBy: flow.Inside)
                .GoesOnAs(error(flow.SourceAddress, flow.BackendAddress, flow.Backend, flow.Source)).Counts();
        }
    }

    /// <summary>The node's own complaint of what it forwards quotes the packet as it stands between the hooks.</summary>
    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Error_of_the_node_itself_is_made_right_as_it_leaves(Protocol protocol, bool isV6, bool isMasqueraded)
    {
        var flow = Open(protocol, isV6, isMasqueraded);
        string node = isV6 ? "2001:db8::1" : "192.168.0.2";

        foreach (var error in Errors(protocol))
        {
            flow.Node.Egress(error(node, flow.ClientAddress, flow.Inner, flow.Backend), flow.Inside, cameBy: 0)
                .GoesOnAs(error(node, flow.ClientAddress, flow.Client, flow.Frontend)).Counts();
        }
    }

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Error_about_no_connection_of_ours_passes(bool isV6)
    {
        var flow = Open(Protocol.Tcp, isV6, isMasqueraded: true);
        string other = Services.End(isV6, "192.168.0.2", "2001:db8::1", 19999);
        var error = Packet.TimeExceeded(flow.BackendAddress, flow.SourceAddress, Packet.Tcp(other, flow.Backend));

        flow.Node.Ingress(error, flow.Outside).GoesOnAs(error).Counts();
    }

    /// <summary>The node asks itself, and nobody listens: the error goes to the node, not to the wire.</summary>
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Error_of_the_node_about_its_own_question_comes_in_again(bool isV6)
    {
        var (node, host, client, frontend) = OpenOfNode(isV6, 60);
        string frontendAddress = Services.End(isV6, "172.30.0.60", "fd00:172::60", 53);
        var asked = node.Egress(Flow.First(Protocol.Udp, client, frontend), node.Uplink, cameBy: 0);
        var (source, backend) = (asked.Frame.From.ToString(), asked.Frame.To.ToString());
        string seen = System.Net.IPEndPoint.Parse(frontendAddress).Address.ToString();

        var error = node.Egress(Packet.PortUnreachable(host, seen, Flow.First(Protocol.Udp, source, backend)), node.Uplink, cameBy: 0);

        Assert.Equal(HookVerdict.Redirect, error.Verdict);
        Assert.Equal(Packet.PortUnreachable(seen, host, Flow.First(Protocol.Udp, client, frontend)).ToBytes(), error.Bytes[14..]);
    }

    /// <summary>By the device that the question would have left by, as an answer does: a strict rp_filter drops it elsewhere.</summary>
    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Error_of_a_backend_about_the_nodes_question_comes_in_as_an_answer_does(bool isV6)
    {
        var (node, host, client, frontend) = OpenOfNode(isV6, 41);
        var asked = node.Egress(Flow.First(Protocol.Udp, client, frontend), node.Uplink, cameBy: 0);
        var (source, backend) = (asked.Frame.From, asked.Frame.To);
        Assert.Equal(HookVerdict.Redirect, node.Ingress(Flow.Reply(Protocol.Udp, backend.ToString(), source.ToString()), node.Pods).Verdict);

        var quoted = Flow.First(Protocol.Udp, source.ToString(), backend.ToString());
        var error = node.Ingress(Packet.PortUnreachable($"{backend.Address}", $"{source.Address}", quoted), node.Pods);

        Assert.Equal(HookVerdict.Redirect, error.Verdict);
    }

    private (ProxyNode Node, string Host, string Client, string Frontend) OpenOfNode(bool isV6, int service)
    {
        string host = isV6 ? "2001:db8::1" : "192.168.0.2";
        return (kernel.Start(Services.OfHost), host, Flow.End(host, 40000), Services.ClusterIP(isV6, service, 53));
    }

    /// <summary>Errors with everything that one can quote: the whole packet, as little as is allowed, options, no checksum.</summary>
    private static IEnumerable<Func<string, string, string, string, Packet>> Errors(Protocol protocol)
    {
        Packet Quoted(string from, string to) => Flow.First(protocol, from, to).Hops(3).Identified(99);
        int header(Packet packet) => packet.IsV6 ? 40 : 20;
        yield return (router, host, from, to) => Packet.TimeExceeded(router, host, Quoted(from, to)).Hops(61);
        yield return (router, host, from, to) => Packet.TooBig(router, host, 1400, Quoted(from, to).Payload(600));
        yield return (router, host, from, to) => Packet.PortUnreachable(router, host, Quoted(from, to)).Class(0xc0);
        yield return (router, host, from, to) => Packet.Unreachable(router, host, 0, Quoted(from, to));
        yield return (router, host, from, to) => Packet.Unreachable(router, host, 6, Quoted(from, to));
        yield return (router, host, from, to) =>
            Packet.TimeExceeded(router, host, Quoted(from, to)) is var whole ? whole.Quoting(header(whole) + 8) : whole;
        yield return (router, host, from, to) => Packet.TimeExceeded(router, host, WithHeaders(Quoted(from, to)));
    }

    private static Packet WithHeaders(Packet packet) => packet.IsV6 ? packet.HopByHop() : packet.WithOptions(8);

    private Established Open(Protocol protocol, bool isV6, bool isMasqueraded)
    {
        var node = kernel.Start(Services.Both);
        int port = protocol == Protocol.Tcp ? 3002 : 3054;
        return isMasqueraded
            ? Established.Open(node, protocol, Services.Outsider(isV6), Services.NodePort(isV6, port), node.Uplink, node.Uplink)
            : Established.Open(
                node, protocol, Services.Pod(isV6), Services.ClusterIP(isV6, 42, protocol == Protocol.Tcp ? 80 : 53), node.Pods, node.Uplink);
    }
}
