using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Node;

namespace EbpfProxy.Daemon;

/// <summary>Tells the datapath what changes on the node itself, and lets it do what is done now and then.</summary>
internal sealed class NodeWatch(ServiceDatapath datapath, bool followsDevices, TimeProvider time, ILogger<NodeWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan MaintenanceInterval = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => followsDevices
        ? Task.WhenAll(MaintainAsync(stoppingToken), new DeviceAddressWatcher(logger).RunAsync(datapath.SetDeviceAddresses, stoppingToken))
        : MaintainAsync(stoppingToken);

    private async Task MaintainAsync(CancellationToken token)
    {
        using var timer = new PeriodicTimer(MaintenanceInterval, time);
        while (await timer.WaitForNextTickAsync(token))
        {
            datapath.Maintain();
        }
    }
}
