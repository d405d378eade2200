using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Services whose traffic stays on the node that it came to.</summary>
public sealed class ExternalTrafficPolicyTests(PacketStage stage) : IClassFixture<PacketStage>
{
    public static MatrixTheoryData<Asker, Frontend> FromOutside { get; } = new(
        [Asker.Outside, Asker.Routed], [Frontend.NodePort, Frontend.ExternalIP, Frontend.LoadBalancer]);

    [KernelTheory]
    [MemberData(nameof(FromOutside))]
    public void Local_service_is_answered_by_its_endpoint_of_this_node_which_sees_the_client(Asker asker, Frontend frontend)
    {
        for (int i = 0; i < 5; i++)
        {
            stage.Answered(
                stage.PlaceOf(asker), PacketStage.Local, frontend, "near/8080", family => stage.AddressOf(asker, family));
        }
    }

    [KernelTheory]
    [MemberData(nameof(FromOutside))]
    public void Local_service_without_an_endpoint_here_is_silent_and_counted(Asker asker, Frontend frontend)
    {
        AssertDropped(stage.PlaceOf(asker), PacketStage.LocalFar, frontend, "no_local_endpoint");
    }

    [KernelFact]
    public void Cluster_IP_is_not_touched_by_the_external_policy()
    {
        stage.Answered(stage.Cluster.Outside, PacketStage.LocalFar, Frontend.ClusterIP, "far/8080");
    }

    [KernelTheory]
    [InlineData(Asker.Outside)]
    [InlineData(Asker.Sandbox)]
    public void Internal_policy_without_an_endpoint_here_is_silent_and_counted(Asker asker)
    {
        AssertDropped(stage.PlaceOf(asker), PacketStage.InternalFar, Frontend.ClusterIP, "no_local_endpoint");
    }

    [KernelFact]
    public void Internal_policy_without_an_endpoint_here_is_silent_for_sockets_of_pods_and_of_the_node()
    {
        AssertDropped(stage.Client.Place, PacketStage.InternalFar, Frontend.ClusterIP, "no_local_endpoint");
        AssertDropped(stage.Node.Host, PacketStage.InternalFar, Frontend.ClusterIP, "no_local_endpoint");
        AssertDropped(stage.Node.HiddenHost, PacketStage.InternalFar, Frontend.ClusterIP, "no_local_endpoint");
    }

    [KernelFact]
    public void Node_ports_are_not_touched_by_the_internal_policy()
    {
        stage.Answered(stage.Cluster.Outside, PacketStage.InternalFar, Frontend.NodePort, "far/8080");
    }

    private void AssertDropped(Testing.Cluster.Place place, Service service, Frontend frontend, string reason)
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(service, frontend, family);
            foreach (string protocol in new[] { "tcp", "udp" })
            {
                double before = stage.Proxy.Events(reason);

                string seen = place.AskInSilence(Expect.Row(protocol, family), door.Address, door.Port);

                Assert.Equal(protocol == "tcp" ? "EINPROGRESS" : "EAGAIN", seen);
                // A SYN comes again.
                double counted = stage.Proxy.Events(reason) - before;
                Assert.True(
                    protocol == "tcp" ? counted > 0 : counted == 1, $"{reason} counts {protocol} to {Expect.Peer(door)} {counted} times");
            }
        }
    }
}
