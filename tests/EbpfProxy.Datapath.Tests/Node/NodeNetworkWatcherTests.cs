using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Datapath.Tests.Node;

public sealed class NodeNetworkWatcherTests
{
    [Fact]
    public async Task What_is_as_it_was_is_not_told_again()
    {
        var log = new LogLines();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        int looks = 0;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new NodeNetworkWatcher(new QuickTime(), log).RunAsync(
            (_, _) =>
            {
                if (++looks == 10)
                {
                    end.Cancel();
                }
            },
            end.Token));

        // Other tests may change what this machine has meanwhile.
        Assert.NotEmpty(log.All);
        Assert.All(log.All.Zip(log.All.Skip(1)), pair => Assert.NotEqual(pair.First, pair.Second));
    }

    /// <summary>The system's clock, on which a few seconds are over almost at once.</summary>
    private sealed class QuickTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime / 500, period / 500);
    }
}
