using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>The daemon comes and goes; packets are translated on.</summary>
public sealed class PacketLifecycleTests : IDisposable
{
    private readonly PacketStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void Connections_through_a_node_port_do_not_miss_a_killed_daemon_and_are_kept_by_the_next(string protocol)
    {
        var door4 = _stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        var door6 = _stage.Door(PacketStage.OverNear, Frontend.NodePort, 6);
        using var held4 = _stage.Cluster.Routed.Client.Hold(protocol, door4.Address, door4.Port);
        using var held6 = _stage.Cluster.Outside.Hold(protocol, door6.Address, door6.Port);
        var (before4, before6) = (held4.Ask(), held6.Ask());
        using var load = _stage.Cluster.Outside.Load(protocol, (door4.Address, door4.Port, "far/"), (door6.Address, door6.Port, "near/"));
        load.WaitForMore(200);

        _stage.Proxy.Kill();
        Assert.Equal((before4, before6), (held4.Ask(), held6.Ask()));
        load.WaitForMore(200);
        _stage.Restart();
        load.WaitForMore(200);

        Assert.Equal((before4, before6), (held4.Ask(), held6.Ask()));
        load.EndWithoutFailure();
    }

    [KernelFact]
    public void Nothing_is_attached_after_cleanup()
    {
        Assert.NotEqual("", _stage.Node.AttachedPrograms());
        _stage.Proxy.Kill();

        var cleanup = _stage.Node.Command("cleanup");

        Assert.True(cleanup.ExitCode == 0, cleanup.Error);
        Eventually.Holds(() => _stage.Node.AttachedPrograms().Length == 0, TimeSpan.FromSeconds(10));
    }

    [KernelFact]
    public void Program_that_somebody_removed_is_put_back()
    {
        string before = _stage.Node.AttachedPrograms();
        Assert.NotEqual("", before);

        _stage.Node.DetachPrograms("uplink");

        Eventually.Holds(() => _stage.Node.AttachedPrograms() == before, TimeSpan.FromSeconds(30));
        _stage.Answered(_stage.Cluster.Outside, PacketStage.OverFar, Frontend.NodePort, "far/8080");
    }
}
