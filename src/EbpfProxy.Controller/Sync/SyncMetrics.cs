using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;
using EbpfProxy.Model.Network;
using Prometheus;

namespace EbpfProxy.Controller.Sync;

/// <summary>
/// What is told of the synchronisation: kube-proxy's metrics under their own names, so that its dashboards go on, and the
/// health of the proxy. One run serves both families here; both labels get its figures.
/// </summary>
public sealed class SyncMetrics : IChangeListener
{
    private static readonly IpFamily[] _families = [IpFamily.IPv4, IpFamily.IPv6];
    private static readonly string[] _familyLabel = ["ip_family"];
    private static readonly double[] _durationBuckets = Histogram.ExponentialBuckets(0.001, 2, 15);

    private static readonly double[] _programmingBuckets =
    [
        0.25, 0.5, .. Histogram.LinearBuckets(1, 1, 59), .. Histogram.LinearBuckets(60, 5, 12), .. Histogram.LinearBuckets(120, 30, 7),
    ];

    private readonly ProxyHealth _health;
    private readonly TimeProvider _time;
    private readonly DateTimeOffset _start;
    private readonly Histogram _duration;
    private readonly Histogram _fullDuration;
    private readonly Histogram _partialDuration;
    private readonly Histogram _programming;
    private readonly Gauge _lastApplied;
    private readonly Gauge _lastQueued;
    private readonly Gauge _endpointChangesPending;
    private readonly Counter _endpointChanges;
    private readonly Gauge _serviceChangesPending;
    private readonly Counter _serviceChanges;
    private readonly Counter _failures;

    public SyncMetrics(IMetricFactory metrics, ProxyHealth health, TimeProvider time)
    {
        _health = health;
        _time = time;
        _start = time.GetUtcNow();
        _duration = Durations(metrics, "kubeproxy_sync_proxy_rules_duration_seconds", "Duration of a sync, successful or not");
        _fullDuration = Durations(
            metrics, "kubeproxy_sync_full_proxy_rules_duration_seconds", "Duration of a sync of all services");
        _partialDuration = Durations(
            metrics, "kubeproxy_sync_partial_proxy_rules_duration_seconds", "Duration of a sync of the services that changed");
        _programming = metrics.CreateHistogram(
            "kubeproxy_network_programming_duration_seconds",
            "Time from a change of endpoints in the cluster to the change of the tables on this node",
            _familyLabel,
            new HistogramConfiguration { Buckets = _programmingBuckets });
        _lastApplied = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds", "When the last successful sync ended", _familyLabel);
        _lastQueued = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "When a sync was last asked for", _familyLabel);
        _endpointChangesPending = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_endpoint_changes_pending", "Changes of EndpointSlices that wait for a sync");
        _endpointChanges = metrics.CreateCounter(
            "kubeproxy_sync_proxy_rules_endpoint_changes_total", "EndpointSlices that came in or went");
        _serviceChangesPending = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_service_changes_pending", "Changes of Services that wait for a sync");
        _serviceChanges = metrics.CreateCounter(
            "kubeproxy_sync_proxy_rules_service_changes_total", "Services that came in or went");
        _failures = metrics.CreateCounter("ebpf_proxy_sync_failures_total", "Syncs that failed and were tried again");
    }

    public void OnService() => _serviceChanges.Inc();

    public void OnSlice() => _endpointChanges.Inc();

    public void OnPending(int services, int slices)
    {
        _serviceChangesPending.Set(services);
        _endpointChangesPending.Set(slices);
        double now = UnixSeconds();
        foreach (var family in _families)
        {
            _health.QueuedUpdate(family);
            _lastQueued.WithLabels(family.ToString()).Set(now);
        }
    }

    /// <summary>The loop begins; it counts as up to date until there is something to do.</summary>
    internal void OnStarted()
    {
        double now = UnixSeconds();
        foreach (var family in _families)
        {
            _health.Updated(family);
            _lastQueued.WithLabels(family.ToString()).Set(now);
        }
    }

    internal void OnTaken()
    {
        _serviceChangesPending.Set(0);
        _endpointChangesPending.Set(0);

        // The end of the run before has cleared what was asked for during it.
        foreach (var family in _families)
        {
            _health.QueuedUpdate(family);
        }
    }

    internal void OnApplied(ClusterChanges changes, TimeSpan duration)
    {
        ObserveDuration(changes, duration);
        var now = _time.GetUtcNow();
        foreach (var family in _families)
        {
            string label = family.ToString();
            _health.Updated(family);
            _lastApplied.WithLabels(label).Set(UnixSeconds());

            // What was triggered before the start waited for this process, not for the network.
            foreach (var trigger in changes.TriggerTimes.Where(t => t >= _start))
            {
                _programming.WithLabels(label).Observe((now - trigger).TotalSeconds);
            }
        }
    }

    internal void OnFailed(ClusterChanges changes, TimeSpan duration)
    {
        ObserveDuration(changes, duration);
        _failures.Inc();
    }

    private static Histogram Durations(IMetricFactory metrics, string name, string help) =>
        metrics.CreateHistogram(name, help, _familyLabel, new HistogramConfiguration { Buckets = _durationBuckets });

    private void ObserveDuration(ClusterChanges changes, TimeSpan duration)
    {
        var kind = changes.IsComplete ? _fullDuration : _partialDuration;
        foreach (var family in _families)
        {
            _duration.WithLabels(family.ToString()).Observe(duration.TotalSeconds);
            kind.WithLabels(family.ToString()).Observe(duration.TotalSeconds);
        }
    }

    private double UnixSeconds() => _time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
}
