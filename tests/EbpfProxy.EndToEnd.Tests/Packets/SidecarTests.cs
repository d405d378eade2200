using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Pods whose connections are redirected to a sidecar by rules in their own namespace.</summary>
public sealed class SidecarTests
{
    private const int SidecarPort = 15001;
    private const int Mark = 1337;

    public static MatrixTheoryData<Frontend, int> Doors { get; } = new([Frontend.ClusterIP, Frontend.LoadBalancer], [4, 6]);

    [KernelTheory]
    [MemberData(nameof(Doors))]
    public void Sidecar_sees_the_service_where_sockets_of_pods_are_not_translated(Frontend frontend, int family)
    {
        using var stage = new PacketStage(new ClusterShape(), "--socket-translation", "host");
        Redirect(stage.Client);
        using var sidecar = stage.Client.StartSidecar(family, SidecarPort, Mark);

        foreach (var backend in new[] { Backend.Near, Backend.Far })
        {
            var door = stage.Door(PacketStage.ServiceOver(backend), frontend, family);

            string[] lines = stage.Client.Place.Probe("ask", Expect.Row("tcp", family), door.Address, $"{door.Port}");

            Assert.Equal(3, lines.Length);
            Assert.All(lines, line => Assert.Equal(PacketStage.NameOf(backend), ProbeClient.ToAnswer(line).Name));
            Assert.All(lines, line => Assert.Contains($" original={Expect.Peer(door)} ", line, StringComparison.Ordinal));
        }
    }

    // As a service mesh does it: whatever goes to a service's port goes to the sidecar, but for what that sends itself.
    private static void Redirect(Pod pod) => Shell.Require(
        "nsenter --net=\"$1\" nft -f - <<< \"$2\"",
        pod.Network.Path,
        $$"""
        table inet mesh {
          chain output {
            type nat hook output priority -100;
            meta mark {{Mark}} return
            tcp dport {{Service.Port}} redirect to :{{SidecarPort}}
          }
        }
        """);
}
