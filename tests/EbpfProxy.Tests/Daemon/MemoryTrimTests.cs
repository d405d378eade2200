using EbpfProxy.Daemon;

namespace EbpfProxy.Tests.Daemon;

public sealed class MemoryTrimTests
{
    [Fact]
    public async Task Memory_is_given_back_after_the_first_list_and_once_after_changes_when_they_have_ended()
    {
        // Every wait is one step of the story: what the time of the last change is then.
        int[] changes = [0, 0, 1, 2, 3, 3, 3, 3, 4, 4];
        var trims = new List<int>();
        using var stop = new CancellationTokenSource();
        var time = new Steps(changes.Length, stop);
        using var trim = new MemoryTrim(
            Task.CompletedTask, () => DateTimeOffset.UnixEpoch.AddSeconds(changes[time.Taken]), time, () => trims.Add(time.Taken));

        await trim.StartAsync(stop.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trim.ExecuteTask!);

        Assert.Equal([0, 5, 9], trims);
    }

    [Fact]
    public async Task Nothing_is_given_back_before_the_first_list_is_applied()
    {
        var firstSync = new TaskCompletionSource();
        var trimmed = new TaskCompletionSource();
        using var trim = new MemoryTrim(firstSync.Task, () => null, TimeProvider.System, trimmed.SetResult);

        await trim.StartAsync(CancellationToken.None);
        Assert.False(trimmed.Task.IsCompleted);
        firstSync.SetResult();

        await trimmed.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await trim.StopAsync(CancellationToken.None);
    }

    /// <summary>Counts the waits, waits for nothing, and ends after so many.</summary>
    private sealed class Steps(int count, CancellationTokenSource stop) : TimeProvider
    {
        public int Taken { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (Taken + 1 < count)
            {
                Taken++;
            }
            else
            {
                stop.Cancel();
            }

            return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(1), period);
        }
    }
}
