using System.Globalization;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Packets;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>What a packet of an established flow costs, printed and not judged: the machine decides. See tools/bench/packets.sh.</summary>
[Collection(PacketTests.Name)]
public sealed class SpeedTests(PacketKernel kernel, ITestOutputHelper output)
{
    private const int Rounds = 15;
    private const int Runs = 100_000;

    [KernelFact]
    public void Pair_of_inverse_translations_leaves_the_packet_as_it_was()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Object = "Bpf/pair.bpf.o" });
        var flow = Established.Open(node, Protocol.Tcp, Services.Pod(false), Services.ClusterIP(false, 41), node.Pods, node.Pods).Shake();
        var packet = Packet.Tcp(flow.Client, flow.Frontend).Payload(64);

        uint[] pairs = [.. Enumerable.Range(0, Rounds).Select(_ => node.Time("pair", packet, node.Pods, Runs)).Order()];
        uint[] turns = [.. Enumerable.Range(0, Rounds).Select(_ => node.Time("turns", packet, node.Pods, Runs)).Order()];

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"ns a packet, established, IPv4: {(pairs[0] - turns[0]) / 2} at best, {(pairs[Rounds / 2] - turns[Rounds / 2]) / 2} in the middle "
            + $"({Rounds} rounds of {Runs} pairs; turning round taken off: {turns[0]} a pair)"));
        node.Run("pair", packet, node.Pods).IsAcceptedAs(packet);
    }
}
