using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Node;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>Connections whose rows are behind the buckets that they belong to, because those are full.</summary>
[Collection(PacketTests.Name)]
public sealed class CrowdedRowTests(PacketKernel kernel)
{
    private const uint Homes = 8;

    private static readonly FlowWord _stranger = new(uint.MaxValue, 1, FlowRole.Forward);

    [KernelTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Connection_whose_rows_are_behind_full_buckets_is_found_and_begins_anew(bool isV6)
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = Homes });
        Crowd(node);

        for (int i = 0; i < 3; i++)
        {
            var flow = Established.Open(node, Protocol.Tcp, Services.Outsider(isV6), Services.NodePort(isV6, 3002), node.Uplink, node.Uplink).Shake();
            flow.Asks((from, to) => Packet.Tcp(from, to).Ack().Payload(7));
            flow.Answers((from, to) => Packet.Tcp(from, to).Ack().Payload(7));

            Assert.Equal(4, node.Programs.Flows.ReadAll().Count(row => row.Word != _stranger));
            flow.Asks((from, to) => Packet.Tcp(from, to).Rst());
        }
    }

    [KernelFact]
    public void Connection_whose_rows_are_behind_goes_on_when_there_is_room_again()
    {
        var node = kernel.Start(Services.Both, new NodeSettings { Connections = Homes });
        Crowd(node);
        var flow = Established.Open(node, Protocol.Tcp, Services.Outsider(false), Services.NodePort(false, 3002), node.Uplink, node.Uplink).Shake();

        var flows = node.Programs.Flows;
        flows.Change([.. flows.ReadAll().Where(row => row.Word == _stranger).Select(row => new FlowChange(row.Digest, row.Word, FlowWord.Gone))]);

        Assert.Equal(4, flows.ReadAll().Count);
        flow.Asks((from, to) => Packet.Tcp(from, to).Ack().Payload(7));
        flow.Answers((from, to) => Packet.Tcp(from, to).Ack().Payload(7));
    }

    /// <summary>Leaves no place in any bucket that rows belong to. Where a digest belongs says its low half, as a part of all.</summary>
    private static void Crowd(ProxyNode node)
    {
        const ulong Part = (1ul << 32) / Homes;
        var flows = node.Programs.Flows;
        int added = flows.Change([
            .. from home in Enumerable.Range(0, (int)Homes)
               from number in Enumerable.Range(1, FlowBucket.Length)
               select new FlowChange(((ulong)home * Part) + (ulong)number, default, _stranger)]);
        Assert.Equal((int)Homes * FlowBucket.Length, added);
    }
}
