namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// How long to wait before the next attempt: doubling from 0.8 to 30 seconds, each with as much again of chance, so that
/// the nodes of a cluster do not come back all at once.
/// </summary>
internal sealed class Backoff(TimeProvider time, Random random)
{
    private static readonly TimeSpan _first = TimeSpan.FromSeconds(0.8);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _calm = TimeSpan.FromMinutes(2);

    private TimeSpan _next = _first;
    private long? _lastFailure;

    /// <summary>The delay after a failure; starts anew where the failure before it is long ago.</summary>
    public TimeSpan Next()
    {
        long now = time.GetTimestamp();
        if (_lastFailure is { } last && time.GetElapsedTime(last, now) > _calm)
        {
            _next = _first;
        }

        _lastFailure = now;
        var delay = _next * (1 + random.NextDouble());
        _next = _next * 2 < _longest ? _next * 2 : _longest;
        return delay;
    }

    /// <summary>A delay spread evenly over a time, for what every node of a cluster does at the same moment.</summary>
    public TimeSpan Spread(TimeSpan over) => over * random.NextDouble();
}
