using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>
/// The networks that CNIs make, each with the CNI's masquerade, a FORWARD chain that drops what is not a pod's, and
/// rp_filter 1.
/// </summary>
public sealed class CniTests
{
    private static readonly ClusterShape _strict = new() { Masquerades = true, DropsForwarded = true, FiltersReversePath = true };

    private static readonly Dictionary<string, ClusterShape> _shapes = new()
    {
        ["bridge"] = _strict,
        ["bridge that calls netfilter"] = _strict with { BridgeCallsNetfilter = true },
        ["routes to each pod"] = _strict with { PodLinks = PodLinks.Routed },
        ["bridge, VXLAN"] = _strict with { PodNetwork = PodNetwork.Vxlan },
        ["routes to each pod, VXLAN"] = _strict with { PodLinks = PodLinks.Routed, PodNetwork = PodNetwork.Vxlan },
        ["bridge, layer 3 tunnel"] = _strict with { PodNetwork = PodNetwork.Layer3Tunnel },
        ["routes to each pod, layer 3 tunnel"] = _strict with { PodLinks = PodLinks.Routed, PodNetwork = PodNetwork.Layer3Tunnel },
    };

    public static TheoryData<string> Shapes { get; } = [.. _shapes.Keys];

    [KernelTheory]
    [MemberData(nameof(Shapes))]
    public void Everybody_reaches_every_backend_and_no_rule_stands_in_the_way(string shape)
    {
        using var stage = new PacketStage(_shapes[shape]);

        foreach (var backend in new[] { Backend.Near, Backend.Far, Backend.NearHost })
        {
            string name = PacketStage.NameOf(backend);
            var service = PacketStage.ServiceOver(backend);
            foreach (var frontend in new[] { Frontend.NodePort, Frontend.LoadBalancer })
            {
                stage.Answered(stage.Cluster.Outside, service, frontend, name);
                stage.Answered(stage.Cluster.Routed.Client, service, frontend, name);
                stage.Answered(stage.Client.Sandbox, service, frontend, name);
            }

            stage.Answered(stage.Client.Sandbox, service, Frontend.ClusterIP, name, family => stage.AddressOf(Asker.Sandbox, family));
            stage.Answered(stage.Client.Place, service, Frontend.ClusterIP, name, family => stage.AddressOf(Asker.Sandbox, family));
            stage.Answered(stage.Node.Host, service, Frontend.ClusterIP, name);
        }
    }

    [KernelTheory]
    [MemberData(nameof(Shapes))]
    public void Hidden_socket_of_the_node_reaches_every_backend(string shape)
    {
        using var stage = new PacketStage(_shapes[shape]);

        foreach (var backend in Enum.GetValues<Backend>())
        {
            foreach (var frontend in new[] { Frontend.ClusterIP, Frontend.LoadBalancer })
            {
                stage.Answered(stage.Node.HiddenHost, PacketStage.ServiceOver(backend), frontend, PacketStage.NameOf(backend));
            }
        }
    }

    [KernelFact]
    public void Hidden_socket_of_the_node_is_answered_from_a_device_without_link_header()
    {
        using var stage = new PacketStage(_strict);
        using var tunnel = AddTunnel(stage.Node, "10.250.1.0/24", "fd00:250:1::/64");
        var service = new Service("tunnelled", 47);
        foreach (int family in new[] { 4, 6 })
        {
            string backend = family == 4 ? "10.250.1.9" : "fd00:250:1::9";
            var manifest = stage.Manifest(service, family) with { Endpoints = [backend] };
            stage.Node.Manifests.Write(manifest);
            stage.Node.WaitForBackends(manifest);
            var door = stage.Door(service, Frontend.ClusterIP, family);

            string[] lines = stage.Node.HiddenHost.Probe("-w", "3000", "ask", Expect.Row("udp", family), door.Address, $"{door.Port}");

            Assert.Equal(Enumerable.Repeat($"answer ? peer={Expect.Peer(door)}", 3), lines);
        }
    }

    /// <summary>As where all that has no route of its own goes into a VPN, addresses of services too.</summary>
    [KernelFact]
    public void Hidden_socket_of_the_node_is_answered_whose_route_leads_to_a_device_without_link_header()
    {
        using var stage = new PacketStage(_strict);
        using var tunnel = AddTunnel(stage.Node, "10.96.0.0/16", "fd00:96::/112");

        foreach (var backend in new[] { Backend.Near, Backend.NearHost, Backend.Far })
        {
            stage.Answered(stage.Node.HiddenHost, PacketStage.ServiceOver(backend), Frontend.ClusterIP, PacketStage.NameOf(backend));
        }
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Hidden_socket_of_the_node_hears_that_nobody_listens(int family)
    {
        using var stage = new PacketStage(_strict);
        var service = new Service("closed", 47);
        string address = service.Address(Frontend.ClusterIP, family);
        foreach (var backend in new[] { Backend.Near, Backend.NearHost })
        {
            var manifest = new ManifestService(service.NameOf(family), address, Service.Port, 9, stage.AddressOf(backend, family));
            stage.Node.Manifests.Write(manifest);
            stage.Node.WaitForBackends(manifest);

            foreach (string protocol in new[] { "udp", "tcp" })
            {
                string seen = stage.Node.HiddenHost.AskInVain(protocol == "tcp" ? $"tcp{family}" : $"udp{family}-connect", address, Service.Port);

                Assert.EndsWith(" ECONNREFUSED", seen, StringComparison.Ordinal);
            }
        }
    }

    [KernelTheory]
    [MemberData(nameof(Shapes))]
    public void Client_of_a_local_service_is_seen_and_a_backend_reaches_itself(string shape)
    {
        using var stage = new PacketStage(_shapes[shape]);

        stage.Answered(
            stage.Cluster.Routed.Client, PacketStage.Local, Frontend.NodePort, "near/8080", family => stage.AddressOf(Asker.Routed, family));
        stage.Answered(
            stage.Cluster.Outside, PacketStage.Local, Frontend.LoadBalancer, "near/8080", family => stage.AddressOf(Asker.Outside, family));
        stage.Answered(stage.Near.Sandbox, PacketStage.OverNear, Frontend.ClusterIP, "near/8080");
        stage.Answered(stage.Near.Sandbox, PacketStage.OverNear, Frontend.NodePort, "near/8080");
    }

    [KernelTheory]
    [MemberData(nameof(Shapes))]
    public void Big_datagrams_and_streams_pass(string shape)
    {
        using var stage = new PacketStage(_shapes[shape]);

        foreach (int family in new[] { 4, 6 })
        {
            foreach (var backend in new[] { Backend.Near, Backend.Far })
            {
                var door = stage.Door(PacketStage.ServiceOver(backend), Frontend.NodePort, family);

                // The first datagrams teach the path's size where a tunnel makes it smaller.
                Eventually.Succeeds(() => Ask(stage, "udp", door, 8000), TimeSpan.FromSeconds(10));
                Eventually.Succeeds(() => Ask(stage, "tcp", door, 300_000), TimeSpan.Zero);
            }
        }
    }

    [KernelTheory]
    [InlineData("bridge")]
    [InlineData("routes to each pod")]
    public void Host_port_of_a_CNI_and_its_masquerade_go_on_working(string shape)
    {
        using var stage = new PacketStage(_shapes[shape]);
        stage.Node.AddHostPort(8088, stage.Near, PacketStage.BackendPort);

        foreach (string address in new[] { stage.Node.IPv4, stage.Node.IPv6 })
        {
            var answers = stage.Cluster.Routed.Client.Ask(address.Contains(':', StringComparison.Ordinal) ? "tcp6" : "tcp4", address, 8088);
            Assert.All(answers, answer => Assert.Equal("near/8080", answer.Name));
        }

        var masked = stage.Client.Place.Ask("tcp4", stage.AddressOf(Backend.Foreign, 4), PacketStage.BackendPort);
        Assert.All(masked, answer => Assert.StartsWith(Expect.Seen(stage.Node.IPv4), answer.Client, StringComparison.Ordinal));
    }

    /// <summary>A device tun0 of the node, with the programs, by which it reaches these networks.</summary>
    private static LineProcess AddTunnel(TestNode node, string network4, string network6)
    {
        var tunnel = node.Host.StartTunnel("tun0");
        Shell.Require(
            """
            ip -n "$1" -batch - <<END
            addr add 10.250.0.1/32 dev tun0
            addr add fd00:250::1/128 dev tun0 nodad
            link set tun0 up
            route add $2 dev tun0
            route add $3 dev tun0
            END
            """,
            node.Network.Name,
            network4,
            network6);
        Eventually.Holds(() => node.AttachedPrograms().Contains("tun0", StringComparison.Ordinal), TimeSpan.FromSeconds(10));
        return tunnel;
    }

    private static void Ask(PacketStage stage, string protocol, (string Address, int Port) door, int bytes)
    {
        string[] lines = stage.Cluster.Routed.Client.Probe("-w", "3000", "bulk", protocol, door.Address, $"{door.Port}", $"{bytes}");
        if (!lines[0].StartsWith("answer", StringComparison.Ordinal))
        {
            throw new IOException($"{protocol} to {Expect.Peer(door)}: {lines[0]}");
        }
    }
}
