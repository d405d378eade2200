using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Packets;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.KubeProxy;

/// <summary>`handback`: from our programs to rules of kube-proxy, with connections running through.</summary>
public sealed class HandbackTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);
    private static readonly string[] _protocols = ["tcp", "udp"];

    private readonly PacketStage _stage = new(new ClusterShape { PodLinks = PodLinks.Routed });

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [InlineData(KubeProxyMode.Nftables, 4)]
    [InlineData(KubeProxyMode.Nftables, 6)]
    [InlineData(KubeProxyMode.Iptables, 4)]
    [InlineData(KubeProxyMode.IptablesLegacy, 6)]
    public void Translated_connections_go_on_new_ones_go_by_its_rules_and_then_nothing_of_ours_is_left(KubeProxyMode mode, int family)
    {
        var (address, port) = _stage.Door(PacketStage.OverNear, Frontend.ClusterIP, family);
        HeldConnection[] held =
        [
            .. _protocols.SelectMany(protocol => new[] { _stage.Cluster.Outside, _stage.Client.Sandbox, _stage.Client.Place }.Select(
                place => place.Hold(protocol, address, port))),
        ];
        AssertAnswered(held);
        Assert.Equal(1, _stage.Node.Command("handback").ExitCode);
        _stage.Proxy.Kill();
        var without = _stage.Node.Command("handback");
        Assert.Equal(1, without.ExitCode);
        Assert.Contains("no rules of kube-proxy are on this node", without.Output, StringComparison.Ordinal);

        new KubeProxyRules(_stage.Node.Network.Name, mode, family).Load(address, port, _stage.AddressOf(Backend.Near, family), PacketStage.BackendPort);
        int opened = Opened();
        var plan = _stage.Node.Command("handback", "--dry-run");
        Assert.Contains("Would leave new connections to kube-proxy's rules", plan.Output, StringComparison.Ordinal);
        AssertReached(_stage.Cluster.Outside, $"tcp{family}", address, port);
        Assert.True(Opened() > opened);
        opened = Opened();
        var first = _stage.Node.Command("handback");

        Assert.Equal(1, first.ExitCode);
        Assert.Contains("New connections go by kube-proxy's rules", first.Output, StringComparison.Ordinal);
        AssertAnswered(held);
        Assert.All(
            new[] { _stage.Cluster.Outside, _stage.Client.Sandbox, _stage.Client.Place },
            place => Assert.All(_protocols, protocol => AssertReached(place, protocol == "tcp" ? $"tcp{family}" : $"udp{family}-connect", address, port)));
        Assert.Equal(opened, Opened());
        Assert.Equal(1, _stage.Node.Command("handback").ExitCode);

        foreach (var one in held.Where((_, number) => number < 3))
        {
            one.Dispose();
        }

        AssertAnswered(held[3..]);
        Assert.NotEqual("", _stage.Node.AttachedPrograms());
        var now = _stage.Node.Command("handback", "--now");
        Assert.True(now.ExitCode == 0, now.Output + now.Error);
        Eventually.Holds(() => _stage.Node.AttachedPrograms().Length == 0, _deadline);
        AssertReached(_stage.Client.Place, $"tcp{family}", address, port);
        Assert.Equal(0, _stage.Node.Command("handback").ExitCode);
    }

    [KernelTheory]
    [InlineData(KubeProxyMode.Iptables)]
    [InlineData(KubeProxyMode.IptablesLegacy)]
    public void Chains_without_rules_are_waited_for(KubeProxyMode mode)
    {
        new KubeProxyRules(_stage.Node.Network.Name, mode, 4).Begin();
        _stage.Proxy.Kill();

        var run = _stage.Node.Command("handback");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("these are no rules for services yet", run.Output, StringComparison.Ordinal);
        AssertReached(_stage.Client.Place, "tcp4", _stage.Door(PacketStage.OverNear, Frontend.ClusterIP, 4).Address, Service.Port);
    }

    [KernelFact]
    public void Everything_is_removed_when_the_last_connection_is_over()
    {
        var (address, port) = _stage.Door(PacketStage.OverNear, Frontend.ClusterIP, 4);
        var held = _stage.Cluster.Outside.Hold("tcp", address, port);
        Assert.Equal("near/8080", held.Ask().Name);
        _stage.Proxy.Kill();
        new KubeProxyRules(_stage.Node.Network.Name, KubeProxyMode.Nftables, 4).Load(address, port, _stage.Near.IPv4, PacketStage.BackendPort);
        using var handback = _stage.Node.Host.Start(ProxyBinary.Path, "handback", "--wait", "--bpffs", _stage.Node.BpfFileSystem);
        handback.ReadLine(line => line.StartsWith("Until they are over 1 connections are translated in tc", StringComparison.Ordinal));
        Assert.Equal("near/8080", held.Ask().Name);

        held.Dispose();

        Assert.Equal(0, handback.WaitForExit());
        Eventually.Holds(() => _stage.Node.AttachedPrograms().Length == 0, _deadline);
    }

    [KernelFact]
    public void Connected_sockets_alone_are_waited_for_only_some_time()
    {
        var (address, port) = _stage.Door(PacketStage.OverNear, Frontend.ClusterIP, 4);
        HeldConnection[] held = [.. _protocols.Select(protocol => _stage.Client.Place.Hold(protocol, address, port))];
        AssertAnswered(held);
        _stage.Proxy.Kill();
        new KubeProxyRules(_stage.Node.Network.Name, KubeProxyMode.Nftables, 4).Load(address, port, _stage.Near.IPv4, PacketStage.BackendPort);
        var waits = _stage.Node.Command("handback");
        Assert.Equal(1, waits.ExitCode);
        Assert.Contains("Until they are over 0 connections are translated in tc, and 2 connected sockets", waits.Output, StringComparison.Ordinal);

        var handback = _stage.Node.Command("handback", "--wait", "--wait-for-sockets", "1s");

        Assert.Equal(0, handback.ExitCode);
        Assert.Contains("2 connected sockets are left: they go on", handback.Output, StringComparison.Ordinal);
        Eventually.Holds(() => _stage.Node.AttachedPrograms().Length == 0, _deadline);
        AssertAnswered(held);
    }

    [KernelTheory]
    [InlineData("soon")]
    [InlineData("-1s")]
    public void Wait_that_is_no_duration_is_refused(string duration)
    {
        var refused = _stage.Node.Command("handback", "--wait-for-sockets", duration);

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"--wait-for-sockets: \"{duration}\" is no duration", refused.Error, StringComparison.Ordinal);
    }

    [KernelFact]
    public void Daemon_that_starts_again_takes_the_node_back()
    {
        var (address, port) = _stage.Door(PacketStage.OverNear, Frontend.ClusterIP, 4);
        _stage.Proxy.Kill();
        using (var held = _stage.Cluster.Outside.Hold("tcp", address, port))
        {
            Assert.Equal("near/8080", held.Ask().Name);
            new KubeProxyRules(_stage.Node.Network.Name, KubeProxyMode.Nftables, 4).Load(address, port, _stage.Near.IPv4, PacketStage.BackendPort);
            Assert.Equal(1, _stage.Node.Command("handback").ExitCode);
        }

        _stage.Restart();
        double opened = _stage.Proxy.Events("connection_opened");

        AssertReached(_stage.Cluster.Outside, "tcp4", address, port);
        Assert.True(_stage.Proxy.Events("connection_opened") > opened);
        Assert.All(_stage.Client.Place.Ask("tcp4", address, port), answer => Assert.Equal($"{address}:{port}", answer.Peer));
    }

    private static void AssertReached(Place place, string row, string address, int port) =>
        Assert.All(place.Ask(row, address, port), answer => Assert.Equal("near/8080", answer.Name));

    private static void AssertAnswered(HeldConnection[] held) => Assert.All(held, one => Assert.Equal("near/8080", one.Ask().Name));

    /// <summary>How many connections our programs opened: without a daemon none is forgotten.</summary>
    private int Opened()
    {
        using var list = JsonDocument.Parse(_stage.Node.Command("conntrack", "list", "-o", "json").Output);
        return list.RootElement.GetArrayLength();
    }
}
