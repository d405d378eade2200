using Prometheus;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>Tells how the watches stand, read when they are asked for.</summary>
internal sealed class WatchMetrics
{
    private static readonly string[] _resource = ["resource"];
    private static readonly string[] _resourceAndKind = ["resource", "kind"];

    private readonly IReadOnlyList<WatchStatus> _watches;
    private readonly TimeProvider _time;
    private readonly Gauge _synced;
    private readonly Gauge _age;
    private readonly Counter _lists;
    private readonly Counter _begun;
    private readonly Counter _events;
    private readonly Counter _errors;

    public WatchMetrics(CollectorRegistry registry, IReadOnlyList<WatchStatus> watches, TimeProvider time)
    {
        _watches = watches;
        _time = time;
        var metrics = Metrics.WithCustomRegistry(registry);
        _synced = metrics.CreateGauge("ebpf_proxy_watch_synced", "Whether a first list of the resource was complete", _resource);
        _age = metrics.CreateGauge(
            "ebpf_proxy_watch_age_seconds",
            "Time since the API server was last heard of: a list, an event or a bookmark, which come every minute or so",
            _resource);
        _lists = metrics.CreateCounter("ebpf_proxy_watch_lists_total", "Full lists that were complete", _resource);
        _begun = metrics.CreateCounter("ebpf_proxy_watches_total", "Watches that the API server began", _resource);
        _events = metrics.CreateCounter("ebpf_proxy_watch_events_total", "Changes that arrived, bookmarks not counted", _resource);
        _errors = metrics.CreateCounter("ebpf_proxy_watch_errors_total", "What went wrong with lists and watches", _resourceAndKind);
        registry.AddBeforeCollectCallback(Read);
    }

    private void Read()
    {
        foreach (var watch in _watches)
        {
            _synced.WithLabels(watch.Resource).Set(watch.IsSynced ? 1 : 0);
            _age.WithLabels(watch.Resource).Set(Math.Max(0, watch.Age(_time.GetUtcNow()).TotalSeconds));
            _lists.WithLabels(watch.Resource).IncTo(watch.Lists);
            _begun.WithLabels(watch.Resource).IncTo(watch.Watches);
            _events.WithLabels(watch.Resource).IncTo(watch.Events);
            foreach (var kind in Enum.GetValues<WatchErrorKind>())
            {
                _errors.WithLabels(watch.Resource, kind.ToString().ToLowerInvariant()).IncTo(watch.ErrorsOf(kind));
            }
        }
    }
}
