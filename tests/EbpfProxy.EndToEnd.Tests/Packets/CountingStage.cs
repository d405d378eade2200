using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>A stage whose proxy counts the bytes of sockets, too.</summary>
public sealed class CountingStage : IDisposable
{
    public PacketStage Stage { get; } = new(new ClusterShape(), "--socket-bytes");

    public void Dispose() => Stage.Dispose();
}
