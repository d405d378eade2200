using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>One native binary takes over from another while connections through node ports are open.</summary>
public sealed class PacketUpgradeTests : IDisposable
{
    private readonly PacketStage _stage = new();
    private readonly NextBinary _next = new();

    public void Dispose()
    {
        _stage.Dispose();
        _next.Dispose();
    }

    // Backends have other ids in the other tables: a UDP flow is then a new one, and may have another source.
    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void Open_connection_lives_through_upgrade_and_rollback_of_the_binary(string protocol)
    {
        var door4 = _stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        var door6 = _stage.Door(PacketStage.OverNear, Frontend.NodePort, 6);
        var local = _stage.Door(PacketStage.Local, Frontend.LoadBalancer, 4);
        using var held4 = _stage.Cluster.Routed.Client.Hold(protocol, door4.Address, door4.Port);
        using var held6 = _stage.Cluster.Outside.Hold(protocol, door6.Address, door6.Port);
        using var heldLocal = _stage.Cluster.Routed.Client.Hold(protocol, local.Address, local.Port);
        var before = Ask(held4, held6, heldLocal);
        using var load = _stage.Cluster.Outside.Load(protocol, (door4.Address, door4.Port, "far/"), (door6.Address, door6.Port, "near/"));
        load.WaitForMore(200);
        string programs = _stage.Node.ProgramIds();

        foreach (string binary in new[] { _next.Path, ProxyBinary.Path })
        {
            _stage.Proxy.Kill();
            _stage.Node.Binary = binary;
            _stage.Restart();

            Assert.NotEqual(programs, _stage.Node.ProgramIds());
            Assert.Equal(Kept(before), Kept(Ask(held4, held6, heldLocal)));
            load.WaitForMore(200);
            programs = _stage.Node.ProgramIds();
        }

        load.EndWithoutFailure();
        Assert.Equal(Kept(before), Kept(Ask(held4, held6, heldLocal)));

        IEnumerable<string> Kept(Answer[] answers) => answers.Select(
            answer => protocol == "tcp" ? $"{answer}" : $"{answer.Name} {answer.Peer}");
    }

    private static Answer[] Ask(params HeldConnection[] held) => [.. held.Select(connection => connection.Ask())];
}
