using EbpfProxy.EndToEnd.Tests.Packets;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.KubeProxy;

/// <summary>The steps of docs/migrate.md back to kube-proxy, on one node: it comes, the daemon goes, `handback --wait` does the rest.</summary>
public sealed class WayBackTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromMinutes(3);

    private readonly PacketStage _stage = new(new ClusterShape { PodLinks = PodLinks.Routed }, "--takeover");

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Kube_proxy_comes_beside_the_daemon_and_has_the_node_when_that_and_its_connections_are_gone()
    {
        var (address, port) = _stage.Door(PacketStage.OverNear, Frontend.ClusterIP, 4);
        var held = _stage.Cluster.Outside.Hold("tcp", address, port);
        Assert.Equal("near/8080", held.Ask().Name);

        using var kubeProxy = new RunningKubeProxy(_stage.Node);
        var rules = new KubeProxyRules(_stage.Node.Network.Name, KubeProxyMode.Nftables, 4);
        rules.Load(address, port, _stage.Near.IPv4, PacketStage.BackendPort);
        Eventually.Holds(() => _stage.Proxy.Metric("ebpf_proxy_kube_proxy_running") == 1 && _stage.Proxy.Metric("ebpf_proxy_kube_proxy_parts") == 1, _deadline);
        AssertServed(held, address, port);

        using var handback = _stage.Node.Host.Start(ProxyBinary.Path, "handback", "--wait", "--bpffs", _stage.Node.BpfFileSystem);
        handback.ReadLine(line => line.StartsWith("Nothing is handed back: the daemon runs", StringComparison.Ordinal));
        Assert.True(rules.AreThere);
        AssertServed(held, address, port);

        _stage.Proxy.Kill();
        handback.ReadLine(line => line.StartsWith("Until they are over 1 connections are translated in tc", StringComparison.Ordinal));
        AssertServed(held, address, port);

        held.Dispose();
        Assert.Equal(0, handback.WaitForExit());
        Eventually.Holds(() => _stage.Node.AttachedPrograms().Length == 0, _deadline);
        Assert.True(rules.AreThere);
        AssertReached(address, port);
    }

    private void AssertServed(HeldConnection held, string address, int port)
    {
        Assert.Equal("near/8080", held.Ask().Name);
        AssertReached(address, port);
    }

    private void AssertReached(string address, int port) => Assert.All(
        new[] { _stage.Cluster.Outside, _stage.Client.Sandbox, _stage.Client.Place },
        place => Assert.All(place.Ask("tcp4", address, port), answer => Assert.Equal("near/8080", answer.Name)));
}
