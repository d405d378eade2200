using EbpfProxy.Daemon;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Tests.Daemon;

public sealed class MaintenanceTests
{
    [Fact]
    public async Task Refusals_of_the_kernel_are_waited_out_and_told_once()
    {
        using var stop = new CancellationTokenSource();
        var time = new NoWaits();
        var log = new Lines();
        int runs = 0;
        var maintenance = new Maintenance(Maintain, time, log);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => maintenance.RunAsync(stop.Token));

        Assert.Equal([1, 1, 2, 4, 8, 16, 32, 60, 60, 1], time.Waits.Select(wait => wait.TotalSeconds));
        Assert.Equal([LogLevel.Error, LogLevel.Information], log.Levels);

        void Maintain()
        {
            runs++;
            if (runs is > 1 and < 9)
            {
                throw new IOException("create map \"peers\": ENOMEM (Cannot allocate memory)");
            }

            if (runs == 10)
            {
                stop.Cancel();
            }
        }
    }

    /// <summary>Keeps what is waited for, and waits for nothing.</summary>
    private sealed class NoWaits : TimeProvider
    {
        public List<TimeSpan> Waits { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Add(dueTime);
            return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(1), period);
        }
    }

    private sealed class Lines : ILogger
    {
        public List<LogLevel> Levels { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Levels.Add(logLevel);
    }
}
