using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Datagrams that no packet of the path can hold.</summary>
public sealed class FragmentTests(PacketStage stage) : IClassFixture<PacketStage>
{
    private const int Size = 8000;

    public static MatrixTheoryData<Asker, Frontend, Backend, int> Rows { get; } = new(
        Enum.GetValues<Asker>(),
        [Frontend.ClusterIP, Frontend.NodePort],
        [Backend.Near, Backend.Far, Backend.NearHost],
        [4, 6]);

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Datagram_of_8000_bytes_comes_whole_and_so_does_its_answer(Asker asker, Frontend frontend, Backend backend, int family)
    {
        var door = stage.Door(PacketStage.ServiceOver(backend), frontend, family);

        var answer = stage.PlaceOf(asker).Bulk("udp", door.Address, door.Port, Size);

        Assert.Equal(PacketStage.NameOf(backend), answer.Name);
    }

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Datagram_whose_last_fragment_comes_first_is_answered(Asker asker, Frontend frontend, Backend backend, int family)
    {
        var door = stage.Door(PacketStage.ServiceOver(backend), frontend, family);

        var answer = stage.PlaceOf(asker).AskInReversedFragments(door.Address, door.Port, Size);

        Assert.Equal((PacketStage.NameOf(backend), Expect.Peer(door)), (answer.Name, answer.Peer));
    }
}
