using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Flows that rules of kube-proxy translated, and that the kernel's connection tracking remembers without them.</summary>
public sealed class StaleConntrackTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(40);
    private static readonly Service _service = new("handed-over", 60);
    private static readonly Service _other = new("nobodys", 61);

    // The rules of a CNI stay, without which there is no connection tracking.
    private readonly PacketStage _stage = new(new ClusterShape { Masquerades = true });

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Flow_of_udp_stays_until_its_backend_leaves_and_no_other_flow_is_cut(int family)
    {
        using var udp = Ask("udp", _service, family);
        using var tcp = Ask("tcp", _service, family);
        using var other = Ask("udp", _other, family);

        _stage.Move(_service, family, Backend.Near);
        Assert.Equal(["near/8080", "near/8080", "near/8080"], new[] { udp, tcp, other }.Select(held => held.Ask().Name));
        Assert.Equal(0, Deleted(family));

        _stage.Move(_service, family, Backend.Far);

        // An answer that is under way when its entry goes does not arrive.
        Eventually.Holds(() => udp.TryAsk()?.Name == "far/8080", _deadline);
        Assert.Equal(["near/8080", "near/8080"], new[] { tcp, other }.Select(held => held.Ask().Name));

        // Counted once all that was stale is gone.
        Eventually.Holds(() => Deleted(family) == 1, _deadline);
        Assert.True(Looks(family) > 0);
    }

    [KernelFact]
    public void Flow_whose_backend_left_is_cut_when_the_daemon_starts()
    {
        using var udp = Ask("udp", _service, 4);
        _stage.Proxy.Kill();
        _stage.Node.Manifests.Write(_stage.Manifest(_service, 4, Backend.Far));

        _stage.Restart();

        Eventually.Holds(() => udp.TryAsk()?.Name == "far/8080", _deadline);
        Eventually.Holds(() => Deleted(4) == 1, _deadline);
    }

    /// <summary>It is translated behind connection tracking, by which rules know the answers that they let in.</summary>
    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Entry_of_a_socket_of_the_node_that_no_hook_sees_stays(int family)
    {
        var service = new Service("hidden", 62);
        _stage.Move(service, family, Backend.Near);
        var door = _stage.Door(service, Frontend.ClusterIP, family);
        using var held = _stage.Node.HiddenHost.HoldFrom(5601, "udp", door.Address, door.Port);
        Assert.Equal("near/8080", held.Ask().Name);

        // The first of these looks may be one from before.
        double looks = Looks(family);
        _stage.Move(service, family, Backend.Far);
        Assert.Equal("far/8080", held.Ask().Name);
        Eventually.Holds(() => Looks(family) > looks, _deadline);
        _stage.Move(service, family, Backend.Near);
        Eventually.Holds(() => Looks(family) > looks + 1, _deadline);

        Assert.Equal(0, Deleted(family));
        Assert.Equal("near/8080", held.Ask().Name);
    }

    /// <summary>A connection through rules that are gone on return.</summary>
    private HeldConnection Ask(string protocol, Service service, int family)
    {
        var door = _stage.Door(service, Frontend.ClusterIP, family);
        _stage.Node.TranslateAsKubeProxy(protocol, door.Address, door.Port, _stage.AddressOf(Backend.Near, family), PacketStage.BackendPort);
        var held = _stage.Cluster.Outside.Hold(protocol, door.Address, door.Port);
        Assert.Equal("near/8080", held.Ask().Name);
        _stage.Node.RemoveKubeProxy();
        return held;
    }

    private double Looks(int family) =>
        _stage.Proxy.Metric($"kubeproxy_conntrack_reconciler_sync_duration_seconds_count{{ip_family=\"IPv{family}\"}}");

    private double Deleted(int family) =>
        _stage.Proxy.Metric($"kubeproxy_conntrack_reconciler_deleted_entries_total{{ip_family=\"IPv{family}\"}}");
}
