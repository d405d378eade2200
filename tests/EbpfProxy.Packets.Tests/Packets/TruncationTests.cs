using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>Frames cut short anywhere and headers that make no sense: never changed in part, never sent wrong.</summary>
[Collection(PacketTests.Name)]
public sealed class TruncationTests(PacketKernel kernel)
{
    /// <summary>A test run takes no frame whose Ethernet or IP header is not whole.</summary>
    private const int Ethernet = 14;

    public static TheoryData<string> Shapes { get; } =
    [
        "tcp", "tcp options", "udp", "sctp", "ip options", "tcp6", "udp6", "sctp6", "extensions", "echo", "echo6", "error", "error6",
        "first fragment", "later fragment", "first fragment6", "later fragment6",
    ];

    [KernelTheory]
    [MemberData(nameof(Shapes))]
    public void Frame_cut_at_any_length_passes_or_is_dropped_as_bad_and_is_whole_where_it_is_translated(string shape)
    {
        var node = kernel.Start(Services.Both);
        var packet = Shape(node, shape);
        byte[] frame = packet.ToFrame();

        for (int length = Ethernet + (packet.IsV6 ? 40 : 20); length < frame.Length; length++)
        {
            foreach (bool isIngress in (bool[])[true, false])
            {
                var step = isIngress ? node.Ingress(frame[..length], node.Uplink) : node.Egress(frame[..length], node.Uplink, cameBy: node.Pods);

                AssertHarmless($"{shape} cut at {length}, {(isIngress ? "ingress" : "egress")}", frame[..length], step);
            }
        }
    }

    [KernelTheory]
    [InlineData(14, 0x44, "header of 16 bytes")]
    [InlineData(14, 0x40, "header of no bytes")]
    [InlineData(14, 0x4f, "header longer than the packet")]
    [InlineData(14, 0x55, "no version that there is")]
    [InlineData(14, 0x65, "IPv6 in a frame of IPv4")]
    public void Header_that_makes_no_sense_passes_untouched(int at, byte value, string what)
    {
        var node = kernel.Start(Services.Both);
        byte[] frame = Packet.Tcp(Services.Outsider(false), Services.NodePort(false, 3002)).Syn().ToFrame();
        frame[at] = value;

        foreach (var step in (Step[])[node.Ingress(frame, node.Uplink), node.Egress(frame, node.Uplink, cameBy: node.Pods)])
        {
            AssertHarmless(what, frame, step);
        }
    }

    private static Packet Shape(ProxyNode node, string shape)
    {
        bool isV6 = shape.EndsWith('6') || shape == "extensions";
        string client = Services.Outsider(isV6);
        string frontend = Services.NodePort(isV6, 3002);
        string datagrams = Services.NodePort(isV6, 3054);
        return shape.TrimEnd('6') switch
        {
            "tcp" => Packet.Tcp(client, frontend).Syn(),
            "tcp options" => Packet.Tcp(client, frontend).Syn().TcpOptions(2, 4, 5, 0xb4),
            "udp" => Packet.Udp(client, datagrams).Payload(8),
            "sctp" => Packet.Sctp(client, Services.ClusterIP(isV6, 42)),
            "ip options" => Packet.Udp(client, datagrams).Payload(2).WithOptions(40),
            "extensions" => Packet.Udp(client, datagrams).Payload(2).HopByHop(16).Routed().DestinationOptions(),
            "echo" => Packet.Echo(isV6 ? "2600:5200::2" : "203.0.113.2", isV6 ? "fd00:172::41" : "172.30.0.41", 5),
            "first fragment" => Packet.Udp(client, datagrams).Payload(32).Identified(77).Fragment(0, 16),
            "later fragment" => Packet.Udp(client, datagrams).Payload(32).Identified(77).Fragment(16),
            "error" => Error(node, isV6),
            _ => throw new ArgumentOutOfRangeException(nameof(shape)),
        };
    }

    private static Packet Error(ProxyNode node, bool isV6)
    {
        var flow = Established.Open(
            node, Protocol.Tcp, Services.Outsider(isV6), Services.NodePort(isV6, 3002), node.Uplink, node.Uplink);
        return Packet.TooBig(
            isV6 ? "2001:db8:9::9" : "192.0.2.9", flow.SourceAddress, 1400, Packet.Tcp(flow.Source, flow.Backend).Payload(20));
    }

    /// <summary>
    /// Untouched; kept for its first fragment; dropped and counted; or, where all that is needed was still there, translated: then what it became is what
    /// the whole packet becomes, cut at the same place, which is looked at by its addresses here.
    /// </summary>
    private static void AssertHarmless(string what, byte[] frame, Step step)
    {
        bool isUntouched = step.Verdict == HookVerdict.GoOn && step.Bytes.AsSpan().SequenceEqual(frame);
        bool isDropped = step.Verdict == HookVerdict.Drop && step.Counted.Count > 0;
        bool isTranslated = step.Verdict == HookVerdict.GoOn && step.Bytes.Length == frame.Length
            && Frame.FromEthernet(frame).To.ToString() != step.Frame.To.ToString()
            && (step.Frame.To.Address.ToString() is "10.180.2.1" or "fd00:10:180::2:1" or "203.0.113.2" or "2600:5200::2");
        bool isRefused = step.Verdict == HookVerdict.Redirect && step.Counted.ContainsKey(Reason.UnknownPort) && step.Frame.Faults.Count == 0;
        bool isKept = what.StartsWith("later fragment", StringComparison.Ordinal) && step.Verdict == HookVerdict.Drop && step.Counted.Count == 0;

        Assert.True(isUntouched || isKept || isDropped || isTranslated || isRefused, $"{what}: {step}");
    }
}
