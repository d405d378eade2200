using EbpfProxy.Datapath;
using EbpfProxy.Datapath.View;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Tells how full the maps are. To count what is in them takes going through them, so that frequent scrapes share a count.</summary>
internal sealed class MapMetrics
{
    private static readonly TimeSpan _age = TimeSpan.FromSeconds(10);
    private static readonly string[] _label = ["map"];

    private readonly Lock _lock = new();
    private readonly Gauge _entries;
    private readonly Gauge _capacity;
    private readonly string _bpfFileSystem;
    private readonly ServiceDatapath _datapath;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long? _readAt;

    public MapMetrics(IMetricFactory metrics, CollectorRegistry registry, string bpfFileSystem, ServiceDatapath datapath, TimeProvider time, ILogger logger)
    {
        _bpfFileSystem = bpfFileSystem;
        _datapath = datapath;
        _time = time;
        _logger = logger;
        _entries = metrics.CreateGauge(
            "ebpf_proxy_map_entries", "Entries in use of a map. `ebpf-proxy maps` says what happens when one is full: all but connections grow before they are", _label);
        _capacity = metrics.CreateGauge("ebpf_proxy_map_capacity", "Entries that a map has room for at its present size", _label);
        registry.AddBeforeCollectCallback(Read);
    }

    private void Read()
    {
        lock (_lock)
        {
            if (_readAt is { } at && _time.GetElapsedTime(at) < _age)
            {
                return;
            }

            try
            {
                // The connections, which may be very many, are counted all the while.
                var (connections, capacity) = _datapath.ConnectionFill;
                foreach (var fill in TableFills.ReadOthers(_bpfFileSystem).Append(new TableFill(TableFills.Connections, connections, capacity)))
                {
                    _entries.WithLabels(fill.Table).Set(fill.InUse);
                    _capacity.WithLabels(fill.Table).Set(fill.Capacity);
                }

                _readAt = _time.GetTimestamp();
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                Log.CountersUnreadable(_logger, e);
            }
        }
    }
}
