using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>The queue of connections that were not answered, which is as long as there are ids.</summary>
[Collection(PacketTests.Name)]
public sealed class TokenTests(PacketKernel kernel)
{
    /// <summary>Their tokens are at the head and stay there; those behind them stand for nothing any more.</summary>
    [KernelTheory]
    [InlineData(1, 8)]
    [InlineData(40, 128)] // more than are looked at for one that begins
    public void Flows_that_only_send_are_not_ended_while_ids_are_free(int senders, int ids)
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = (uint)ids });
        var sending = Enumerable.Range(0, senders).Select(i => Established.Open(
            node, Protocol.Udp, Services.Outsider(false, 5000 + i), Services.NodePort(false, 3054), node.Uplink, node.Uplink)).ToArray();

        for (int i = 0; i < 3 * ids; i++)
        {
            BeginAndReset(node, 4000);
        }

        Array.ForEach(sending, sender => sender.Asks((from, to) => Flow.First(Protocol.Udp, from, to)));
        Assert.Equal(senders + 1, node.Connections().Count);
    }

    private static void BeginAndReset(ProxyNode node, int port)
    {
        var flow = Established.Open(
            node, Protocol.Tcp, Services.Outsider(false, port), Services.NodePort(false, 3002), node.Uplink, node.Uplink).Shake();
        flow.Asks((from, to) => Packet.Tcp(from, to).Rst());
    }
}
