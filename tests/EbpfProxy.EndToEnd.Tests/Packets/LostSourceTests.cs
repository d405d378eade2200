using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>The node loses the address that clients are masqueraded with, and has another in its place.</summary>
public sealed class LostSourceTests : IDisposable
{
    // All connections are looked through twice.
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    private readonly PacketStage _stage = new(new ClusterShape { PodNetwork = PodNetwork.Vxlan });

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Flows_of_udp_take_the_new_one_and_connections_are_reset()
    {
        var (address, port) = _stage.Door(PacketStage.OverFar, Frontend.NodePort, 4);
        using var udp = _stage.Cluster.Outside.HoldFrom(12345, "udp", address, port);
        using var tcp = _stage.Cluster.Outside.Hold("tcp", address, port);
        Assert.StartsWith(Expect.Seen("10.244.1.0"), udp.Ask().Client, StringComparison.Ordinal);
        Assert.StartsWith(Expect.Seen("10.244.1.0"), tcp.Ask().Client, StringComparison.Ordinal);

        Shell.Require("ip -n \"$1\" addr add 10.244.1.200/32 dev tunnel && ip -n \"$1\" addr del 10.244.1.0/32 dev tunnel", _stage.Node.Network.Name);

        Eventually.Holds(() => udp.TryAsk()?.Client.StartsWith(Expect.Seen("10.244.1.200"), StringComparison.Ordinal) == true, _deadline);
        string? failure = null;
        Eventually.Holds(() => (failure = tcp.AskInVain()) is not null, _deadline);
        Assert.Equal("recv ECONNRESET", failure);
    }
}
