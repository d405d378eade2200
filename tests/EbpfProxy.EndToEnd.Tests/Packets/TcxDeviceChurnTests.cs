namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Where programs are links of tcx.</summary>
[Collection(typeof(AloneOnTheMachine))]
public sealed class TcxDeviceChurnTests(PacketStage stage) : DeviceChurnTests(stage), IClassFixture<PacketStage>;
