using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What cannot be answered is refused at once, so that no caller waits.</summary>
public sealed class RefusalTests(PacketStage stage) : IClassFixture<PacketStage>
{
    public static MatrixTheoryData<Asker, Frontend> Rows { get; } = new(Enum.GetValues<Asker>(), Enum.GetValues<Frontend>());

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Service_without_endpoints_refuses(Asker asker, Frontend frontend)
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(PacketStage.Empty, frontend, family);
            AssertRefused(asker, door, family, "no_endpoint");
        }
    }

    [KernelTheory]
    [InlineData(Asker.Outside)]
    [InlineData(Asker.Routed)]
    [InlineData(Asker.Sandbox)]
    public void Port_that_a_cluster_IP_does_not_have_refuses(Asker asker)
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(PacketStage.OverNear, Frontend.ClusterIP, family) with { Port = 81 };
            AssertRefused(asker, door, family, "unknown_port");
        }
    }

    [KernelFact]
    public void Hidden_socket_of_the_node_is_refused_too()
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = stage.Door(PacketStage.Empty, Frontend.ClusterIP, family);

            string tcp = stage.Node.HiddenHost.AskInVain(Expect.Row("tcp", family), door.Address, door.Port);
            string udp = stage.Node.HiddenHost.AskInVain(Expect.Row("udp", family), door.Address, door.Port);

            Assert.Equal("connect ECONNREFUSED", tcp);
            Assert.EndsWith(" ECONNREFUSED", udp, StringComparison.Ordinal);
        }
    }

    private void AssertRefused(Asker asker, (string Address, int Port) door, int family, string reason)
    {
        double before = stage.Proxy.Events(reason);

        string tcp = stage.PlaceOf(asker).AskInVain(Expect.Row("tcp", family), door.Address, door.Port);
        string udp = stage.PlaceOf(asker).AskInVain(Expect.Row("udp", family), door.Address, door.Port);

        Assert.Equal((door, "connect ECONNREFUSED"), (door, tcp));
        Assert.EndsWith(" ECONNREFUSED", udp, StringComparison.Ordinal);
        Assert.True(stage.Proxy.Events(reason) >= before + 2, $"{reason} does not count {Expect.Peer(door)}");
    }
}
