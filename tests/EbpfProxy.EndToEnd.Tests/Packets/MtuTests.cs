using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>A path that is narrower somewhere than both of its ends: the sender has to hear of it through the proxy.</summary>
public sealed class MtuTests : IDisposable
{
    private const int Bytes = 300_000;
    private const int Narrow = 1300;

    private readonly PacketStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [InlineData("tcp", Bytes)]
    [InlineData("udp", 8000)]
    public void Narrow_path_to_the_client_stalls_nothing(string protocol, int bytes)
    {
        _stage.Cluster.Routed.SetMiddleMtu(Narrow);

        AssertBulk(protocol, bytes, Backend.Near);
        AssertBulk(protocol, bytes, Backend.Far);
        AssertBulk(protocol, bytes, Backend.NearHost);
    }

    [KernelFact]
    public void Narrow_path_to_the_backend_stalls_nothing()
    {
        _stage.Cluster.Second.NarrowPathTo(_stage.Far, Narrow);

        AssertBulk("tcp", Bytes, Backend.Far);
    }

    private void AssertBulk(string protocol, int bytes, Backend backend)
    {
        foreach (int family in new[] { 4, 6 })
        {
            var door = _stage.Door(PacketStage.ServiceOver(backend), Frontend.NodePort, family);

            // A datagram that was too big is lost; its sender knows the path afterwards, and the kernel cuts the next one.
            Eventually.Succeeds(() => Bulk(protocol, door, bytes, PacketStage.NameOf(backend)), TimeSpan.FromSeconds(protocol == "udp" ? 10 : 0));
        }
    }

    private void Bulk(string protocol, (string Address, int Port) door, int bytes, string name)
    {
        string line = Assert.Single(_stage.Cluster.Routed.Client.Probe("-w", "3000", "bulk", protocol, door.Address, $"{door.Port}", $"{bytes}"));
        if (line.StartsWith("error", StringComparison.Ordinal))
        {
            throw new IOException($"{protocol} to {Expect.Peer(door)} over {name}: {line}");
        }

        Assert.Equal(name, ProbeClient.ToAnswer(line).Name);
    }
}
