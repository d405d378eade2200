namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Where programs are filters of clsact.</summary>
[Collection(typeof(AloneOnTheMachine))]
public sealed class ClsactDeviceChurnTests(ClsactStage stage) : DeviceChurnTests(stage), IClassFixture<ClsactStage>;
