using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Connections that go around the stack, switched on whatever rules there are; seen by rules that only count.</summary>
public sealed class FastPathTests
{
    private const int Narrow = 1300;

    private static readonly Dictionary<string, ClusterShape> _shapes = new()
    {
        ["bridge"] = new(),
        ["routes to each pod"] = new() { PodLinks = PodLinks.Routed },
        ["routes to each pod, VXLAN"] = new() { PodLinks = PodLinks.Routed, PodNetwork = PodNetwork.Vxlan },
        ["bridge, layer 3 tunnel"] = new() { PodNetwork = PodNetwork.Layer3Tunnel },
    };

    public static TheoryData<string> Shapes { get; } = [.. _shapes.Keys];

    [KernelTheory]
    [MemberData(nameof(Shapes))]
    public void Everybody_reaches_every_backend_which_sees_the_client_or_the_node_as_ever(string shape)
    {
        using var stage = Start(shape);

        foreach (var backend in Enum.GetValues<Backend>())
        {
            var service = PacketStage.ServiceOver(backend);
            foreach (var asker in Enum.GetValues<Asker>())
            {
                stage.Answered(stage.PlaceOf(asker), service, Frontend.NodePort, PacketStage.NameOf(backend), Seen(stage, asker, backend));
            }

            stage.Answered(stage.Client.Sandbox, service, Frontend.ClusterIP, PacketStage.NameOf(backend), family => stage.AddressOf(Asker.Sandbox, family));
        }

        stage.Answered(
            stage.Cluster.Routed.Client, PacketStage.Local, Frontend.NodePort, "near/8080", family => stage.AddressOf(Asker.Routed, family));
        stage.Answered(stage.Near.Sandbox, PacketStage.OverNear, Frontend.ClusterIP, "near/8080");
    }

    [KernelTheory]
    [InlineData("bridge", "on", true)]
    [InlineData("routes to each pod", "on", true)]
    [InlineData("bridge", "off", false)]
    public void Rules_see_nothing_of_a_connection_that_goes_around(string shape, string mode, bool isAround)
    {
        using var stage = Start(shape, mode);
        var rules = new FastPathRules(stage.Node);
        rules.Load(FastPathRules.Count);

        foreach (var service in new[] { PacketStage.OverNear, PacketStage.OverFar, PacketStage.Local })
        {
            string name = service == PacketStage.OverFar ? "far/8080" : "near/8080";
            stage.Answered(stage.Cluster.Outside, service, Frontend.NodePort, name);

        }

        Assert.Equal(isAround, rules.Counted() == 0);
        Assert.Equal(isAround ? 1 : 0, stage.Proxy.Metric("ebpf_proxy_fast_path"));
    }

    [KernelTheory]
    [MemberData(nameof(Shapes))]
    public void Datagram_of_8000_bytes_and_its_answer_come_whole_by_the_stack(string shape)
    {
        using var stage = Start(shape);
        foreach (var (asker, backend) in new[] { (Asker.Outside, Backend.Near), (Asker.Routed, Backend.Far), (Asker.Sandbox, Backend.Near), (Asker.Sandbox, Backend.Far) })
        {
            foreach (int family in new[] { 4, 6 })
            {
                var door = stage.Door(PacketStage.ServiceOver(backend), Frontend.NodePort, family);

                // What is small goes around, before and after.
                AssertWhole(stage.PlaceOf(asker), "udp", door, 1000, backend);
                AssertWhole(stage.PlaceOf(asker), "udp", door, 8000, backend);
                AssertWhole(stage.PlaceOf(asker), "tcp", door, 1_000_000, backend);
            }
        }
    }

    [KernelTheory]
    [InlineData("bridge")]
    [InlineData("routes to each pod")]
    public void Path_that_is_narrow_beyond_the_node_stalls_nothing(string shape)
    {
        using var stage = Start(shape);
        stage.Cluster.Routed.SetMiddleMtu(Narrow);

        foreach (var backend in new[] { Backend.Near, Backend.Far })
        {
            AssertBulk(stage, Frontend.NodePort, backend);
        }
    }

    [KernelFact]
    public void Packet_that_does_not_fit_the_way_to_the_backend_is_answered_by_the_stack()
    {
        using var stage = Start("bridge");
        stage.Cluster.First.NarrowPathTo(stage.Near, Narrow);

        AssertBulk(stage, Frontend.NodePort, Backend.Near);
    }

    /// <summary>A way is kept for a moment: what changes there meanwhile counts, as it does in the stack.</summary>
    [KernelFact]
    public void Connection_goes_on_where_its_pod_has_another_link_address()
    {
        using var stage = Start("routes to each pod");
        var door = stage.Door(PacketStage.OverNear, Frontend.NodePort, 4);
        using var held = stage.Cluster.Outside.Hold("tcp", door.Address, door.Port);
        Assert.Equal("near/8080", held.Ask().Name);

        Shell.Require(
            "ip -n \"$1\" link set eth0 address 02:00:00:00:0b:0b && ip -n \"$2\" neigh replace \"$3\" lladdr 02:00:00:00:0b:0b dev pod11",
            stage.Near.Network.Name,
            stage.Node.Network.Name,
            stage.Near.IPv4);

        Assert.Equal("near/8080", held.Ask().Name);
    }

    // A datagram that was too big for a tunnel is lost; its sender hears of it, and the kernel cuts the next one.
    private static void AssertWhole(Place place, string protocol, (string Address, int Port) door, int bytes, Backend backend) => Eventually.Succeeds(
        () =>
        {
            string line = Assert.Single(place.Probe("-w", "3000", "bulk", protocol, door.Address, $"{door.Port}", $"{bytes}"));
            if (line.StartsWith("error", StringComparison.Ordinal))
            {
                throw new IOException($"{protocol} of {bytes} to {Expect.Peer(door)}: {line}");
            }

            Assert.Equal(PacketStage.NameOf(backend), ProbeClient.ToAnswer(line).Name);
        },
        TimeSpan.FromSeconds(protocol == "udp" ? 10 : 0));

    private static void AssertBulk(PacketStage stage, Frontend frontend, Backend backend)
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(PacketStage.ServiceOver(backend), frontend, family);
            Assert.Equal(PacketStage.NameOf(backend), stage.Cluster.Routed.Client.Bulk("tcp", door.Address, door.Port, 300_000).Name);
        }
    }

    private static PacketStage Start(string shape, string mode = "on") => new(_shapes[shape], "--fast-path", mode);

    private static Func<int, string> Seen(PacketStage stage, Asker asker, Backend backend) => family =>
        backend == Backend.NearHost ? stage.AddressOf(asker, family) : stage.MaskFor(backend, family);
}
