using EbpfProxy.Controller.Sync;

namespace EbpfProxy.Controller.Tests.Sync;

public sealed class RetryDelayTests
{
    [Fact]
    public void The_delay_doubles_up_to_the_limit_and_begins_anew_after_a_success()
    {
        var delay = new RetryDelay(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));

        double[] delays = [.. Enumerable.Range(0, 5).Select(_ => delay.Next().TotalSeconds)];
        delay.Reset();

        Assert.Equal([1, 2, 4, 5, 5], delays);
        Assert.Equal(1, delay.Next().TotalSeconds);
    }
}
