using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>A first packet that is under way when the external policy of its service turns.</summary>
[Collection(PacketTests.Name)]
public sealed class PolicyTurnTests(PacketKernel kernel)
{
    private const uint KeepsClient = 0;
    private const uint IsMasqueraded = 1;

    /// <summary>A backend of the cluster set, which may be on another node, would else see its client, and answer past this one.</summary>
    [KernelTheory]
    [InlineData("")]
    [InlineData(" affinity=600")]
    public void Backend_sees_its_client_by_the_policy_that_it_was_chosen_by(string more)
    {
        var flows = FlowCase.Parse($"""
            service web NodePort 172.30.0.41 http:80/tcp>8080@3001{more}
            endpoint web 10.180.0.1 local
            """);
        var node = kernel.Start(flows, new NodeSettings { Object = "Bpf/turn.bpf.o" });
        var packet = Flow.First(Protocol.Tcp, Services.Outsider(false), Services.NodePort(false, 3001));

        // Each run turns it: from Cluster to Local, and back. With affinity the second finds the client.
        uint[] seen = [.. Enumerable.Range(0, 3).Select(_ => (uint)node.Run("turn", packet, node.Uplink).Verdict)];

        Assert.Equal([IsMasqueraded, KeepsClient, IsMasqueraded], seen);
    }
}
