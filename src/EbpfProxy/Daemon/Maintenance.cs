namespace EbpfProxy.Daemon;

/// <summary>
/// Does now and then what <paramref name="maintain"/> does. While the kernel refuses it, for want of memory say, it is
/// tried again after twice the time, up to a limit: what is there goes on working, and the node may recover.
/// </summary>
internal sealed class Maintenance(Action maintain, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestInterval = TimeSpan.FromMinutes(1);

    private TimeSpan _delay = _interval;

    public async Task RunAsync(CancellationToken token)
    {
        while (true)
        {
            await Task.Delay(_delay, time, token);
            Run();
        }
    }

    private void Run()
    {
        bool wasFailing = _delay > _interval;
        try
        {
            maintain();
            _delay = _interval;
            if (wasFailing)
            {
                Log.MaintenanceRecovered(logger);
            }
        }
        catch (IOException e)
        {
            _delay = _delay * 2 < _longestInterval ? _delay * 2 : _longestInterval;
            if (!wasFailing)
            {
                Log.MaintenanceFailed(logger, _longestInterval.TotalSeconds, e);
            }
        }
    }
}
