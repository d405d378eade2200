using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Stale;
using EbpfProxy.Model.Network;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Cuts stale flows for as long as the daemon runs, and tells of it by kube-proxy's metrics.</summary>
internal sealed class StaleFlowWatch : BackgroundService, IStaleFlowListener
{
    private static readonly string[] _familyLabel = ["ip_family"];

    private readonly ServiceDatapath _datapath;
    private readonly Histogram _duration;
    private readonly Counter _deleted;

    public StaleFlowWatch(ServiceDatapath datapath, IMetricFactory metrics)
    {
        _datapath = datapath;
        _duration = metrics.CreateHistogram(
            "kubeproxy_conntrack_reconciler_sync_duration_seconds",
            "Duration of a look through the kernel's connection tracking for flows of UDP whose backends left",
            _familyLabel,
            new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.001, 2, 15) });
        _deleted = metrics.CreateCounter(
            "kubeproxy_conntrack_reconciler_deleted_entries_total",
            "Entries of the kernel's connection tracking that were deleted because their backends left",
            _familyLabel);
        foreach (var family in Enum.GetValues<IpFamily>())
        {
            _duration.WithLabels(family.ToString());
            _deleted.WithLabels(family.ToString());
        }
    }

    public void OnReconciled(IpFamily family, TimeSpan duration, int deleted)
    {
        _duration.WithLabels(family.ToString()).Observe(duration.TotalSeconds);
        _deleted.WithLabels(family.ToString()).Inc(deleted);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _datapath.StaleFlows.RunAsync(this, stoppingToken);
}
