using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>A backend that asks its own service.</summary>
public sealed class HairpinTests(PacketStage stage) : IClassFixture<PacketStage>
{
    [KernelTheory]
    [InlineData(Frontend.ClusterIP)]
    [InlineData(Frontend.NodePort)]
    [InlineData(Frontend.ExternalIP)]
    [InlineData(Frontend.LoadBalancer)]
    public void Sandboxed_pod_behind_a_service_reaches_itself_and_sees_the_node_asking(Frontend frontend)
    {
        stage.Answered(stage.Near.Sandbox, PacketStage.OverNear, frontend, "near/8080", family => stage.MaskFor(Backend.Near, family));
    }

    [KernelTheory]
    [InlineData(Frontend.ClusterIP)]
    [InlineData(Frontend.NodePort)]
    public void Pod_behind_a_service_reaches_itself_by_a_translated_socket(Frontend frontend)
    {
        stage.Answered(stage.Near.Place, PacketStage.OverNear, frontend, "near/8080");
    }

    [KernelTheory]
    [InlineData(Frontend.NodePort)]
    [InlineData(Frontend.ClusterIP)]
    public void Backend_outside_reaches_itself_through_the_node(Frontend frontend)
    {
        stage.Answered(
            stage.Cluster.Foreign, PacketStage.OverForeign, frontend, "foreign/8080", family => stage.MaskFor(Backend.Foreign, family));
    }
}
