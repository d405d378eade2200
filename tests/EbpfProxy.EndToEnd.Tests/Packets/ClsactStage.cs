using EbpfProxy.Testing.Cluster;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>The same where programs are attached by clsact, as before kernel 6.6.</summary>
public sealed class ClsactStage() : PacketStage(new ClusterShape(), BinaryWithoutTcx.Path, flags: []);
