using EbpfProxy.Commands;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.View;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Tells the programs' own counters, read when they are asked for.</summary>
internal sealed class DatapathMetrics
{
    private static readonly string[] _label = ["reason"];

    private readonly Counter _events;
    private readonly string _bpfFileSystem;
    private readonly ILogger _logger;

    private readonly Gauge _devices;
    private readonly Gauge _failedDevices;
    private readonly Gauge _fastPath;
    private readonly ServiceDatapath _datapath;

    public DatapathMetrics(IMetricFactory metrics, CollectorRegistry registry, string bpfFileSystem, ServiceDatapath datapath, ILogger logger)
    {
        _datapath = datapath;
        _devices = metrics.CreateGauge("ebpf_proxy_devices", "Devices that have the programs");
        _failedDevices = metrics.CreateGauge("ebpf_proxy_devices_failed", "Devices that should have the programs and do not");
        _fastPath = metrics.CreateGauge("ebpf_proxy_fast_path", "Whether new connections go around the stack");
        _bpfFileSystem = bpfFileSystem;
        _logger = logger;
        _events = metrics.CreateCounter("ebpf_proxy_datapath_events_total", "What the programs did, and why", _label);
        registry.AddBeforeCollectCallback(Read);
    }

    private void Read()
    {
        var (attached, failed) = _datapath.Devices;
        _devices.Set(attached);
        _failedDevices.Set(failed);
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
