using System.Runtime.InteropServices;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>A node that has one connection, the first in a while.</summary>
public sealed class QuietNodeTests(PacketStage stage) : IClassFixture<PacketStage>
{
    // enum path_use of bpf/include/connection_abi.h.
    private const uint NotInUse = 0;
    private const uint InUse = 1;
    private const uint InDoubt = 2;

    private static readonly TimeSpan _deadline = TimeSpan.FromMinutes(3);

    /// <summary>Its id is one that the sweep under way has been at.</summary>
    [KernelFact]
    public void First_connection_in_a_while_is_answered_while_the_controller_looks_whether_there_is_one()
    {
        var door = stage.Door(PacketStage.OverFar, Frontend.ClusterIP, 4);
        stage.Client.Sandbox.Ask("tcp4", door.Address, door.Port);
        Eventually.Holds(() => Use() == NotInUse, _deadline);
        using var held = stage.Client.Sandbox.Hold("tcp", door.Address, door.Port);
        uint use = 0;

        Eventually.Holds(
            () =>
            {
                Assert.Equal("far/8080", held.Ask().Name);
                return (use = Use()) != InUse;
            },
            _deadline);

        Assert.Equal(InDoubt, use);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal("far/8080", held.Ask().Name);
        }
    }

    private uint Use()
    {
        using var map = BpfMap.OpenPinned(Directory.GetFiles(stage.Node.BpfFileSystem, "path_states", SearchOption.AllDirectories).Single());
        return new BpfArrayMap<PathState>(map)[0].IsInUse;
    }

    /// <summary>Mirrors <c>struct path_state</c>, as far as it is read here; the rest only counts to its size.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private readonly record struct PathState(uint IsInUse);
}
