using System.Collections.Concurrent;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>The system's clock, on which waits up to a limit are over almost at once. Keeps what was waited for.</summary>
internal sealed class QuickTime(TimeSpan limit) : TimeProvider
{
    private readonly ConcurrentQueue<TimeSpan> _waits = new();

    public QuickTime()
        : this(TimeSpan.FromSeconds(29))
    {
    }

    public IReadOnlyCollection<TimeSpan> Waits => _waits;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime <= TimeSpan.Zero || dueTime > limit)
        {
            return base.CreateTimer(callback, state, dueTime, period);
        }

        _waits.Enqueue(dueTime);
        return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(5), period);
    }
}
