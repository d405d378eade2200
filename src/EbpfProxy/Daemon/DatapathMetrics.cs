using EbpfProxy.Datapath;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Tells the programs' own counters, read when they are asked for.</summary>
internal sealed class DatapathMetrics
{
    private static readonly string[] _label = ["reason"];

    private readonly Counter _events;
    private readonly Gauge _devices;
    private readonly Gauge _failedDevices;
    private readonly Gauge _connections;
    private readonly Gauge _capacity;
    private readonly Gauge _tracked;
    private readonly Gauge _trackedLeftOut;
    private readonly Gauge _fastPath;
    private readonly string _bpfFileSystem;
    private readonly ServiceDatapath _datapath;
    private readonly ILogger _logger;

    public DatapathMetrics(IMetricFactory metrics, CollectorRegistry registry, string bpfFileSystem, ServiceDatapath datapath, ILogger logger)
    {
        _bpfFileSystem = bpfFileSystem;
        _datapath = datapath;
        _logger = logger;
        _events = metrics.CreateCounter(
            "ebpf_proxy_datapath_events_total",
            "What the programs did, and why; docs/datapath.md says of each reason what it means and what to do",
            _label);
        _devices = metrics.CreateGauge(
            "ebpf_proxy_devices", "Devices that have the programs; where one is missing, see `ebpf-proxy status` and --devices");
        _failedDevices = metrics.CreateGauge(
            "ebpf_proxy_devices_failed",
            "Devices that should have the programs and do not: packets that enter or leave by them are not translated. The log says why; they are tried again");
        _connections = metrics.CreateGauge(
            "ebpf_proxy_connections",
            "Connections that the packet path translates, as counted every ten seconds. Near the capacity, new ones push out those that were never answered");
        _capacity = metrics.CreateGauge(
            "ebpf_proxy_connections_capacity",
            "Connections that there is room for, by --max-connections or the node's memory when the table was made. Where the reason connections_full counts, it needs more room or fewer clients");
        _tracked = metrics.CreateGauge(
            "ebpf_proxy_tracked_flows",
            "Before kernel 5.18: flows that the kernel's connection tracking translates and that are left to it; a masqueraded one counts for two. Comes to rest at 0 some time after a take-over");
        _trackedLeftOut = metrics.CreateGauge(
            "ebpf_proxy_tracked_flows_left_out",
            "Before kernel 5.18: flows that the kernel's connection tracking translates and that had no place when they were last looked through: their TCP connections are reset, their UDP flows may get another backend. There is room for as many as for connections");
        _fastPath = metrics.CreateGauge(
            "ebpf_proxy_fast_path", "Whether new connections go around the stack; where they do not, `ebpf-proxy status` names the rule or program");
        registry.AddBeforeCollectCallback(Read);
    }

    private void Read()
    {
        var (attached, failed, _) = _datapath.Devices;
        _devices.Set(attached);
        _failedDevices.Set(failed.Count);
        var (connections, capacity) = _datapath.ConnectionFill;
        _connections.Set(connections);
        _capacity.Set(capacity);
        var (tracked, leftOut) = _datapath.TrackedFill;
        _tracked.Set(tracked);
        _trackedLeftOut.Set(leftOut);
        _fastPath.Set(_datapath.FastPath?.IsOn == true ? 1 : 0);
        try
        {
            var counters = ReasonCounters.Read(_bpfFileSystem);
            foreach (var reason in Enum.GetValues<Reason>().Where(r => r != Reason.None && (int)r < counters.Count))
            {
                _events.WithLabels(Words.Of(reason)).IncTo(counters[(int)reason]);
            }
        }
        catch (IOException e)
        {
            Log.CountersUnreadable(_logger, e);
        }
    }
}
