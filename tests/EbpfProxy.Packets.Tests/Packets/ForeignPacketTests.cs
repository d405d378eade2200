using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>What is between addresses that are none of ours is let go on before it is looked at.</summary>
[Collection(PacketTests.Name)]
public sealed class ForeignPacketTests(PacketKernel kernel)
{
    public static TheoryData<Protocol, bool> Flows { get; } = new()
    {
        { Protocol.Tcp, false },
        { Protocol.Tcp, true },
        { Protocol.Udp, false },
        { Protocol.Udp, true },
    };

    /// <summary>Without hints even a service's packets are foreign: the other tests show that hints are where they have to be.</summary>
    [KernelTheory]
    [MemberData(nameof(Flows))]
    public void Packets_to_and_from_addresses_without_a_hint_are_not_looked_at(Protocol protocol, bool isV6)
    {
        var node = kernel.Start(Services.Both);
        string frontend = Services.NodePort(isV6, protocol == Protocol.Tcp ? 3002 : 3054);
        var flow = Established.Open(node, protocol, Services.Outsider(isV6), frontend, node.Uplink, node.Uplink);

        WithoutHints(node, () =>
        {
            var ask = Flow.First(protocol, flow.Client, flow.Frontend);
            node.Ingress(ask, flow.Inside).GoesOnAs(ask).Counts();
            var forward = Flow.First(protocol, flow.Inner, flow.Backend);
            node.Egress(forward, flow.Outside, cameBy: flow.Inside).GoesOnAs(forward).Counts();
        });

        flow.Asks((from, to) => Flow.First(protocol, from, to));
        flow.Answers((from, to) => Flow.Reply(protocol, from, to));
    }

    private static void WithoutHints(ProxyNode node, Action action)
    {
        var hints = new BpfArrayMap<ulong>(node.Programs.Object.GetMap(TableNames.AddressHints).Map);
        ulong[] all = new ulong[hints.Length];
        hints.Read(0, all);
        hints.Write(0, new ulong[all.Length]);
        try
        {
            action();
        }
        finally
        {
            hints.Write(0, all);
        }
    }
}
