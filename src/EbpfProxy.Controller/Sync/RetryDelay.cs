namespace EbpfProxy.Controller.Sync;

/// <summary>How long to wait after the next failure: twice as long each time, up to a limit, until something succeeds.</summary>
internal sealed class RetryDelay(TimeSpan shortest, TimeSpan longest)
{
    private int _failures;

    /// <summary>The delay after this failure, and one failure more.</summary>
    public TimeSpan Next()
    {
        var delay = shortest * Math.Pow(2, _failures);
        if (delay >= longest)
        {
            return longest;
        }

        _failures++;
        return delay;
    }

    public void Reset() => _failures = 0;
}
