using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;
using EbpfProxy.Datapath;
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
    private static readonly string[] _policyLabels = ["traffic_policy", "ip_family"];
    private static readonly double[] _durationBuckets = Histogram.ExponentialBuckets(0.001, 2, 15);

    private static readonly double[] _programmingBuckets =
    [
        0.25, 0.5, .. Histogram.LinearBuckets(1, 1, 59), .. Histogram.LinearBuckets(60, 5, 12), .. Histogram.LinearBuckets(120, 30, 7),
    ];

    private readonly ProxyHealth _health;
    private readonly TimeProvider _time;
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
    private readonly Gauge _noLocalEndpoints;
    private readonly ModeMetrics _modes;
    private readonly ServicesWithoutLocal _withoutLocal = new();

    public SyncMetrics(IMetricFactory metrics, ProxyHealth health, TimeProvider time)
    {
        _health = health;
        _time = time;
        _duration = Durations(metrics, "kubeproxy_sync_proxy_rules_duration_seconds", "Time to bring the maps up to date, successful or not. Long ones: see ebpf_proxy_sync_failures_total and the node's CPU");
        _fullDuration = Durations(
            metrics, "kubeproxy_sync_full_proxy_rules_duration_seconds", "Time to bring the maps up to date for all services: at the start, after a failure or a change of zone");
        _partialDuration = Durations(
            metrics, "kubeproxy_sync_partial_proxy_rules_duration_seconds", "Time to bring the maps up to date for the services that changed");
        _programming = metrics.CreateHistogram(
            "kubeproxy_network_programming_duration_seconds",
            "Time from a change of endpoints in the cluster to the change of the maps on this node. Where it grows and the syncs are short, the control plane or the watch is slow",
            _familyLabel,
            new HistogramConfiguration { Buckets = _programmingBuckets });
        _lastApplied = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
            "When the last successful sync ended, in seconds since 1970. Behind the time of last_queued for long: syncs fail or hang",
            _familyLabel);
        _lastQueued = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "When a sync was last asked for, in seconds since 1970", _familyLabel);
        _endpointChangesPending = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_endpoint_changes_pending", "Changes of EndpointSlices that wait for a sync; not 0 for long only where syncs fail");
        _endpointChanges = metrics.CreateCounter(
            "kubeproxy_sync_proxy_rules_endpoint_changes_total", "EndpointSlices that came in or went, whether or not it changed anything");
        _serviceChangesPending = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_service_changes_pending", "Changes of Services that wait for a sync; not 0 for long only where syncs fail");
        _serviceChanges = metrics.CreateCounter(
            "kubeproxy_sync_proxy_rules_service_changes_total", "Services that came in or went, whether or not it changed anything");
        _failures = metrics.CreateCounter(
            "ebpf_proxy_sync_failures_total",
            "Syncs that the kernel refused and that were tried again: new endpoints are late. `ebpf-proxy status` and the log say what was refused");
        _noLocalEndpoints = metrics.CreateGauge(
            "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
            "Service ports whose traffic is dropped here: their policy is Local and all their endpoints are on other nodes",
            _policyLabels);
        _modes = new ModeMetrics(metrics);

        // A histogram that is there from the start is one that a rate can be taken of.
        foreach (string family in _families.Select(each => each.ToString()))
        {
            foreach (var histogram in new[] { _duration, _fullDuration, _partialDuration, _programming })
            {
                histogram.WithLabels(family);
            }
        }
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

    /// <summary>In kube-proxy's order, so that who waits for one of these finds those before it.</summary>
    internal void OnApplied(ClusterChanges changes, IReadOnlyCollection<ServiceChange> applied, TimeSpan duration)
    {
        ObserveDuration(changes, duration);
        var now = _time.GetUtcNow();
        foreach (var (family, trigger) in changes.TriggerTimes)
        {
            _programming.WithLabels(family.ToString()).Observe((now - trigger).TotalSeconds);
        }

        _withoutLocal.Apply(applied, changes.IsComplete);
        foreach (var family in _families)
        {
            string label = family.ToString();
            _noLocalEndpoints.WithLabels("internal", label).Set(_withoutLocal.Internal(family));
            _noLocalEndpoints.WithLabels("external", label).Set(_withoutLocal.External(family));
            _health.Updated(family);
            _lastApplied.WithLabels(label).Set(UnixSeconds());
        }
    }

    internal void OnFailed(ClusterChanges changes, TimeSpan duration)
    {
        ObserveDuration(changes, duration);
        _failures.Inc();
        _modes.OnFailed();
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
