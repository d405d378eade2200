using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>Devices that give the sum over each packet (CHECKSUM_COMPLETE): it stays the packet's, or the kernel says that the device lies.</summary>
[Collection(PacketTests.Name)]
public sealed class PacketSumTests(PacketKernel kernel)
{
    public static MatrixTheoryData<Protocol, bool, bool, bool> Rows { get; } =
        new([Protocol.Tcp, Protocol.Udp], [false, true], [false, true], [false, true]);

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Sum_is_the_packets_after_translation(Protocol protocol, bool isV6, bool isMasqueraded, bool isAsOld)
    {
        var node = Start(isAsOld);
        int port = protocol == Protocol.Tcp ? (isMasqueraded ? 3002 : 80) : (isMasqueraded ? 3054 : 53);
        string client = isMasqueraded ? Services.Outsider(isV6) : Services.Pod(isV6);
        string frontend = isMasqueraded ? Services.NodePort(isV6, port) : Services.ClusterIP(isV6, 42, port);

        var flow = Established.Open(node, protocol, client, frontend, isMasqueraded ? node.Uplink : node.Pods, node.Uplink);
        flow.Answers((from, to) => Flow.Reply(protocol, from, to));
        flow.Answers((from, to) => Packet.PortUnreachable(AddressOf(from), AddressOf(to), Flow.First(protocol, to, from)));
    }

    [KernelTheory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Sum_is_the_fragments_after_translation(bool isV6, bool isAsOld)
    {
        var node = Start(isAsOld);
        var whole = Packet.Udp(Services.Outsider(isV6), Services.NodePort(isV6, 3054)).Payload(120).Identified(9);
        var expected = Packet.Udp(Services.Outsider(isV6), Services.End(isV6, "10.180.2.1", "fd00:10:180::2:1", 5353)).Payload(120).Identified(9);

        node.Ingress(whole.Fragment(0, 64), node.Uplink).GoesOnAs(expected.Fragment(0, 64));
        node.Ingress(whole.Fragment(64), node.Uplink).GoesOnAs(expected.Fragment(64));
    }

    private static string AddressOf(string end) => System.Net.IPEndPoint.Parse(end).Address.ToString();

    /// <param name="isAsOld">Whether the programs take the kernel for one before 6.16, which cannot be told that the sum of IPv6 stays.</param>
    private ProxyNode Start(bool isAsOld)
    {
        Assert.SkipUnless(Environment.OSVersion.Version >= new Version(6, 11), "this kernel has no sums for test runs");
        var node = kernel.Start(Services.Both, new NodeSettings { TellsNoIPv6Sums = isAsOld });
        node.GivesSums = true;
        return node;
    }
}
