using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Packets of one flow that come to two CPUs at the same moment.</summary>
[Collection(typeof(AloneOnTheMachine))]
public sealed class RaceTests(PacketStage stage) : IClassFixture<PacketStage>
{
    private const int Flows = 500;

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void First_packets_of_a_flow_on_two_CPUs_get_one_translation(int family)
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "needs two CPUs");
        var door = stage.Door(PacketStage.OverBoth, Frontend.NodePort, family);

        var flows = stage.Cluster.Outside.Race(door.Address, door.Port, Flows);

        Assert.Equal(Flows, flows.Count);
        Assert.All(flows, flow => Assert.Equal("yes", flow["same"]));
        Assert.DoesNotContain(flows, flow => flow["answers"] == "0");
    }
}
