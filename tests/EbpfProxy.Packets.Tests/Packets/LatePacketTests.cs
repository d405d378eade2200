using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Node;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>A packet that another CPU is still at when its connection has ended and the next one has its record.</summary>
[Collection(PacketTests.Name)]
public sealed class LatePacketTests(PacketKernel kernel)
{
    [KernelFact]
    public void Record_of_the_next_connection_stays_as_it_is()
    {
        var programs = kernel.Start(Services.Both, new NodeSettings { Object = "Bpf/late.bpf.o" }).Programs;
        var next = programs.Connections[0] with
        {
            Protocol = (byte)Protocol.Tcp,
            Generation = 3,
            Flags = ConnectionFlags.Masquerade,
            SeenAsk = SeenFlags.Any | SeenFlags.Syn,
            LastSeenNs = long.MaxValue,
        };
        programs.Connections[0] = next;

        uint verdict = (uint)programs.Get("late").TestRun(new BpfTestRunOptions { Packet = new byte[64] }).ReturnValue;

        Assert.Equal(0u, verdict);
        Assert.Equal(next, programs.Connections[0]);
        Assert.Empty(programs.Flows.ReadAll());
        Assert.False(new BpfQueueMap<FlowWord>(programs.Object.GetMap("closing").Map).TryPop(out _));
    }
}
