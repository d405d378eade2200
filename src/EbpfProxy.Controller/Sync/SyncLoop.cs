using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;
using EbpfProxy.Datapath;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Tables;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Sync;

/// <summary>
/// Brings the maps up to date with the cache, service by service. A change is applied as soon as it comes; what comes
/// while it is applied is taken together afterwards.
/// </summary>
/// <param name="cache">Says what changed.</param>
/// <param name="datapath">Writes the maps.</param>
/// <param name="contextOf">What services depend on of a Node object; of none where there never was one.</param>
/// <param name="metrics">Hear of each run.</param>
/// <param name="healthChecks">The servers of healthCheckNodePorts; null for none.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed class SyncLoop(
    ClusterCache cache,
    IServiceDatapath datapath,
    Func<ClusterNode?, NodeContext> contextOf,
    SyncMetrics metrics,
    HealthCheckPorts? healthChecks,
    TimeProvider time,
    ILogger<SyncLoop> logger)
    : BackgroundService
{
    private readonly RetryDelay _retry = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));
    private readonly TaskCompletionSource _firstSync = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private volatile SyncState _state = new(LastSync: null, Error: null);

    /// <summary>How the maps do; may be asked from any thread.</summary>
    public SyncState State => _state;

    /// <summary>Completes when the maps hold every service for the first time.</summary>
    public Task FirstSync => _firstSync.Task;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.OnStarted();

        // The first run looks at every service; only then is what an earlier process left behind removed.
        await cache.WaitAsync(stoppingToken).ConfigureAwait(false);
        await SyncAsync(everything: true, stoppingToken).ConfigureAwait(false);
        _firstSync.TrySetResult();
        while (true)
        {
            await cache.WaitAsync(stoppingToken).ConfigureAwait(false);
            await SyncAsync(everything: false, stoppingToken).ConfigureAwait(false);
        }
    }

    /// <summary>Applies what changed. After a failure every service is looked at, as it is unknown here what was written.</summary>
    private async Task SyncAsync(bool everything, CancellationToken token)
    {
        while (!TrySync(everything, out var delay))
        {
            everything = true;
            await Task.Delay(delay, time, token).ConfigureAwait(false);
        }
    }

    private bool TrySync(bool everything, out TimeSpan delay)
    {
        delay = default;
        long start = time.GetTimestamp();
        var changes = cache.Take(everything);
        metrics.OnTaken();
        try
        {
            datapath.SetNode(changes.Node);
            var built = Build(changes);
            var result = datapath.Apply(built, changes.IsComplete);
            datapath.SetServicePrefixes(changes.ServicePrefixes);
            var duration = time.GetElapsedTime(start);
            metrics.OnApplied(changes, built, duration);
            healthChecks?.Sync(changes);
            _state = new SyncState(time.GetUtcNow(), Error: null);
            if (result.Writes > 0)
            {
                Log.Applied(logger, result.Services, result.Writes, duration.TotalMilliseconds);
            }
            else
            {
                Log.Unchanged(logger, changes.Services.Count, duration.TotalMilliseconds);
            }

            _retry.Reset();
            return true;
        }
        catch (IOException e)
        {
            metrics.OnFailed(changes, time.GetElapsedTime(start));
            _state = _state with { Error = e.Message };
            delay = _retry.Next();
            Log.ApplyFailed(logger, delay.TotalSeconds, e);
            return false;
        }
    }

    private List<ServiceChange> Build(ClusterChanges changes)
    {
        var node = contextOf(changes.Node);
        return [.. changes.Services.Select(s =>
            new ServiceChange(s.Name, s.Service is null ? null : ServiceTablesBuilder.Build(s.Service, s.Slices, node)))];
    }
}
