namespace EbpfProxy.Testing.Threads;

/// <summary>
/// Where two threads begin and end each round together, without sleeping: they would begin too far apart. Disposing it lets both go on.
/// </summary>
public sealed class Meeting : IDisposable
{
    private int _arrivals;
    private volatile bool _isOver;

    /// <summary>Waits for the other one.</summary>
    public void Meet()
    {
        int arrivals = Interlocked.Increment(ref _arrivals);
        int all = (arrivals + 1) / 2 * 2;
        while (Volatile.Read(ref _arrivals) < all && !_isOver)
        {
            Thread.SpinWait(1);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _isOver = true;
}
