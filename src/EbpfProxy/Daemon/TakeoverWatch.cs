using EbpfProxy.Controller.Events;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Options;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>
/// Looks for kube-proxy on the node for as long as the daemon runs, tells what of it is there, and takes it away once nothing needs
/// it any more. The tables are complete by then, and new connections come by them.
/// </summary>
internal sealed class TakeoverWatch : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    /// <summary>How much longer than a look takes it is to the next, at least: a node may have a million flows to look through.</summary>
    private const int Share = 50;

    /// <summary>Where there is nothing of kube-proxy, somebody may start it yet.</summary>
    private static readonly TimeSpan _quietInterval = TimeSpan.FromSeconds(30);

    private readonly ProxyOptions _options;
    private readonly string _nodeName;
    private readonly Task _firstSync;
    private readonly IEventSink _events;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Gauge _runs;
    private readonly Gauge _parts;
    private readonly Gauge _flows;

    private string? _toldRunning;
    private string _told = "";
    private bool _isFailing;

    public TakeoverWatch(
        ProxyOptions options, string nodeName, Task firstSync, IEventSink events, IMetricFactory metrics, TimeProvider time, ILogger logger)
    {
        _options = options;
        _nodeName = nodeName;
        _firstSync = firstSync;
        _events = events;
        _time = time;
        _logger = logger;
        _runs = metrics.CreateGauge(
            "ebpf_proxy_kube_proxy_running", "Whether a kube-proxy runs on this node, too: its rules stay as long. Take it off the node (docs/migrate.md)");
        _parts = metrics.CreateGauge(
            "ebpf_proxy_kube_proxy_parts", "Tables, sets and devices of kube-proxy's in the kernel of this node, which `ebpf-proxy takeover --dry-run` names");
        _flows = metrics.CreateGauge(
            "ebpf_proxy_kube_proxy_flows", "Flows that connection tracking still translates for kube-proxy: its rules stay until they end");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await _firstSync.WaitAsync(stoppingToken);
        while (true)
        {
            long begin = _time.GetTimestamp();
            var interval = Look() ? _interval : _quietInterval;
            var shortest = _time.GetElapsedTime(begin) * Share;
            await Task.Delay(interval > shortest ? interval : shortest, _time, stoppingToken);
        }
    }

    /// <summary>Returns whether there is anything of kube-proxy.</summary>
    private bool Look()
    {
        try
        {
            var found = KubeProxyOnNode.Look(_options.BpfFileSystem, _options.HostProc);
            _runs.Set(found.Running is null ? 0 : 1);
            _flows.Set(found.Parts.Count == 0 ? 0 : found.LiveFlows);
            bool isRemoved = Act(found);
            _parts.Set(isRemoved ? 0 : found.Parts.Count);
            _isFailing = false;
            return found.Running is not null || (found.Parts.Count > 0 && !isRemoved);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            if (!_isFailing)
            {
                Log.TakeoverFailed(_logger, e);
            }

            _isFailing = true;
            return true;
        }
    }

    private bool Act(KubeProxyFindings found)
    {
        TellRunning(found);
        if (found.Parts.Count == 0)
        {
            return false;
        }

        string? reason = found.ReasonToStay(isServed: true, atOnce: false) ?? (_options.TakesOver ? null : "takeover is false");
        Tell(found, reason);
        if (reason is not null)
        {
            return false;
        }

        foreach (var part in found.Parts)
        {
            part.Remove();
            Log.KubeProxyRemoved(_logger, part.ToString());
        }

        _events.Publish(ClusterEvent.TookOver(_nodeName, string.Join(", ", found.Parts.Select(part => part.Name))));
        return true;
    }

    /// <summary>An event for each kube-proxy that comes to be seen.</summary>
    private void TellRunning(KubeProxyFindings found)
    {
        if (found.Running is { } running && running != _toldRunning)
        {
            _events.Publish(ClusterEvent.KubeProxyRuns(_nodeName, found.ReasonToStay(isServed: true, atOnce: false)!));
        }

        _toldRunning = found.Running;
    }

    /// <summary>Once for each state that it comes to; how many flows live is in the metrics.</summary>
    private void Tell(KubeProxyFindings found, string? reason)
    {
        string state = string.Join(',', found.Parts.Select(part => part.Name)) + (found.Running ?? (found.LiveFlows > 0 ? "flows" : ""));
        if (state == _told)
        {
            return;
        }

        _told = state;
        foreach (var part in found.Parts)
        {
            Log.KubeProxyFound(_logger, part.ToString());
        }

        if (reason is not null)
        {
            Log.KubeProxyStays(_logger, reason);
        }
    }
}
