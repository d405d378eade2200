using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.FastPath;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;

namespace EbpfProxy.Daemon;

/// <summary>Tells the datapath what changes on the node itself, and lets it do what is done now and then.</summary>
internal sealed class NodeWatch(
    ServiceDatapath datapath, ClusterCache cache, HealthCheckPorts healthChecks, ProxyHealth health, TimeProvider time, ILogger<NodeWatch> logger)
    : BackgroundService
{
    private const string Maintaining = "maintenance";
    private const string Following = "node";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var maintenance = new Maintenance(Maintain, time, logger).RunAsync(stoppingToken);

        // It comes round every few seconds. Without it new devices have no programs, and nobody else would tell of that.
        health.Expect(Following);
        var watch = new NodeNetworkWatcher(time, logger).RunAsync(SetNetwork, stoppingToken);

        var rules = RuleWatcher.RunAsync(datapath.LookAtRules, stoppingToken);
        var conntrack = datapath.FollowConntrackAsync(stoppingToken);

        // None ends by itself: the first that does has failed, and the daemon with it.
        await await Task.WhenAny(maintenance, watch, rules, conntrack);
    }

    private void Maintain()
    {
        health.Expect(Maintaining);
        try
        {
            datapath.LookAround();
            Try(datapath.Maintain);
        }
        finally
        {
            health.Arrived(Maintaining);
        }
    }

    private void SetNetwork(NodeNetwork network, bool isThorough)
    {
        try
        {
            Try(() => datapath.SetNetwork(network, isThorough));
        }
        catch (IOException e)
        {
            // The datapath has the addresses all the same, and writes them when everything is applied again.
            Log.DeviceAddressesFailed(logger, e);
        }

        healthChecks.LookAtAddresses();
        health.Expect(Following);
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (IOException)
        {
            if (datapath.NeedsEverything)
            {
                cache.WantEverything();
            }

            throw;
        }
    }
}
