using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>loadBalancerSourceRanges: they guard the load balancer's address, and nothing else.</summary>
public sealed class SourceRangeTests(PacketStage stage) : IClassFixture<PacketStage>
{
    [KernelFact]
    public void Client_within_the_ranges_is_answered()
    {
        stage.Answered(stage.Cluster.Routed.Client, PacketStage.Ranged, Frontend.LoadBalancer, "near/8080");
    }

    [KernelTheory]
    [InlineData(Asker.Outside)]
    [InlineData(Asker.Sandbox)]
    public void Client_outside_the_ranges_hears_nothing_and_is_counted(Asker asker)
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(PacketStage.Ranged, Frontend.LoadBalancer, family);
            double before = stage.Proxy.Events("source_denied");

            string tcp = stage.PlaceOf(asker).AskInSilence(Expect.Row("tcp", family), door.Address, door.Port);
            string udp = stage.PlaceOf(asker).AskInSilence(Expect.Row("udp", family), door.Address, door.Port);

            Assert.Equal(("EINPROGRESS", "EAGAIN"), (tcp, udp));
            Assert.True(stage.Proxy.Events("source_denied") >= before + 2);
        }
    }

    [KernelTheory]
    [InlineData(Frontend.ClusterIP)]
    [InlineData(Frontend.NodePort)]
    [InlineData(Frontend.ExternalIP)]
    public void Other_ways_to_the_service_are_open_to_all(Frontend frontend)
    {
        stage.Answered(stage.Cluster.Outside, PacketStage.Ranged, frontend, "near/8080");
    }
}
