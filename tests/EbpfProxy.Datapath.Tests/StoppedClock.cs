namespace EbpfProxy.Datapath.Tests;

/// <summary>A monotonic clock in nanoseconds, as the kernel's.</summary>
internal sealed class StoppedClock : TimeProvider
{
    private long _now = 1_000_000_000;

    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp() => _now;

    public void Advance(int seconds) => _now += seconds * 1_000_000_000L;
}
