using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>A flow whose first packet has gone through both hooks: who is who in it.</summary>
/// <param name="Node">The node.</param>
/// <param name="Protocol">The protocol.</param>
/// <param name="Client">Who asked.</param>
/// <param name="Frontend">What was asked.</param>
/// <param name="Inner">The client as it stands between the hooks.</param>
/// <param name="Backend">Who it was sent to.</param>
/// <param name="Source">Who the backend sees.</param>
/// <param name="Inside">The device towards the client.</param>
/// <param name="Outside">The device towards the backend.</param>
internal sealed record Established(
    ProxyNode Node, Protocol Protocol, string Client, string Frontend, string Inner, string Backend, string Source, uint Inside, uint Outside)
{
    public static Established Open(ProxyNode node, Protocol protocol, string client, string frontend, uint inside, uint outside)
    {
        var asked = node.Ingress(Flow.First(protocol, client, frontend), inside);
        string inner = asked.Frame.From.ToString();
        string backend = asked.Frame.To.ToString();
        asked.GoesOnAs(Flow.First(protocol, inner, backend));
        var forwarded = node.Egress(asked.Bytes, outside, cameBy: inside);
        string source = forwarded.Frame.From.ToString();
        forwarded.GoesOnAs(Flow.First(protocol, source, backend));
        return new Established(node, protocol, client, frontend, inner, backend, source, inside, outside);
    }

    public string ClientAddress => AddressOf(Client);

    public string FrontendAddress => AddressOf(Frontend);

    public string BackendAddress => AddressOf(Backend);

    public string SourceAddress => AddressOf(Source);

    /// <summary>From the client to the backend: what it sends, what stands between the hooks, what leaves.</summary>
    public void Asks(Func<string, string, Packet> packet)
    {
        var asked = Node.Ingress(packet(Client, Frontend), Inside).GoesOnAs(packet(Inner, Backend)).Counts();
        Node.Egress(asked.Bytes, Outside, cameBy: Inside).GoesOnAs(packet(Source, Backend)).Counts();
    }

    /// <summary>From the backend to the client.</summary>
    public void Answers(Func<string, string, Packet> packet)
    {
        var returned = Node.Ingress(packet(Backend, Source), Outside).GoesOnAs(packet(Backend, Inner)).Counts();
        Node.Egress(returned.Bytes, Inside, cameBy: Outside).GoesOnAs(packet(Frontend, Client)).Counts();
    }

    /// <summary>The three-way handshake, as far as it is not done.</summary>
    public Established Shake()
    {
        Answers((from, to) => Packet.Tcp(from, to).SynAck());
        Asks((from, to) => Packet.Tcp(from, to).Ack());
        return this;
    }

    private static string AddressOf(string end) => System.Net.IPEndPoint.Parse(end).Address.ToString();
}
