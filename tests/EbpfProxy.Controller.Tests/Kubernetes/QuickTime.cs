using System.Collections.Concurrent;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>
/// The system's clock, on which the waits between attempts are over almost at once. Keeps what was waited for. Time-outs,
/// which are round, take their time, unless a test asks for one of them.
/// </summary>
internal sealed class QuickTime(Func<TimeSpan, bool>? isAlsoQuick = null, int milliseconds = 15) : TimeProvider
{
    private readonly TimeSpan _quick = TimeSpan.FromMilliseconds(milliseconds);

    private readonly ConcurrentQueue<TimeSpan> _waits = new();

    public IReadOnlyCollection<TimeSpan> Waits => _waits;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        bool isAttempt = dueTime > TimeSpan.Zero && dueTime < TimeSpan.FromSeconds(61) && dueTime.TotalSeconds % 30 != 0;
        if (!isAttempt && isAlsoQuick?.Invoke(dueTime) != true)
        {
            return base.CreateTimer(callback, state, dueTime, period);
        }

        _waits.Enqueue(dueTime);
        return base.CreateTimer(callback, state, _quick, period);
    }
}
