using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Daemon;

/// <summary>Tells the datapath what changes on the node itself, and lets it do what is done now and then.</summary>
internal sealed class NodeWatch(ServiceDatapath datapath, TimeProvider time, ILogger<NodeWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan MaintenanceInterval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var maintenance = MaintainAsync(stoppingToken);
        var watch = new NodeNetworkWatcher(time, logger).RunAsync(datapath.SetNetwork, stoppingToken);

        // Neither ends by itself: the first that does has failed, and the daemon with it.
        await await Task.WhenAny(maintenance, watch);
    }

    private async Task MaintainAsync(CancellationToken token)
    {
        using var timer = new PeriodicTimer(MaintenanceInterval, time);
        while (await timer.WaitForNextTickAsync(token))
        {
            datapath.Maintain();
        }
    }
}
