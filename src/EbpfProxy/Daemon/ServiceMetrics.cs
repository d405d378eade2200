using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Tables;
using EbpfProxy.Output;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>
/// Tells what each service did, read when it is asked for. With more services than the limit it tells none: what a scrape
/// costs is bounded.
/// </summary>
internal sealed class ServiceMetrics
{
    private static readonly string[] _labels = ["namespace", "service", "port", "protocol"];

    private readonly Lock _lock = new();
    private readonly Counter _opened;
    private readonly Gauge _open;
    private readonly Counter _sent;
    private readonly Counter _received;
    private readonly Counter _refusals;
    private readonly Gauge _isOn;
    private readonly string _bpfFileSystem;
    private readonly int _limit;
    private readonly ILogger _logger;
    private Dictionary<Labels, List<uint>> _told = [];

    public ServiceMetrics(IMetricFactory metrics, CollectorRegistry registry, string bpfFileSystem, int limit, ILogger logger)
    {
        _bpfFileSystem = bpfFileSystem;
        _limit = limit;
        _logger = logger;
        _opened = metrics.CreateCounter(
            "ebpf_proxy_service_connections_total",
            "Connections of a service that got a backend on this node, by sockets and in packets; a socket that sends datagrams counts once",
            _labels);
        _open = metrics.CreateGauge(
            "ebpf_proxy_service_open_connections",
            "Connections of a service that are not over: the ACTIVE of `ebpf-proxy service list -o wide`, and of its CLOSING those that one side holds open",
            _labels);
        _sent = metrics.CreateCounter(
            "ebpf_proxy_service_sent_bytes_total",
            "Bytes to the backends of a service: of TCP sockets, with --socket-bytes only, what was acknowledged; in packets from the IP header on. UDP sockets are not counted",
            _labels);
        _received = metrics.CreateCounter(
            "ebpf_proxy_service_received_bytes_total", "Bytes from the backends of a service: of TCP sockets, with --socket-bytes only, what was received; in packets from the IP header on. UDP sockets are not counted", _labels);
        _refusals = metrics.CreateCounter(
            "ebpf_proxy_service_refusals_total",
            "Connections of a service that were refused or dropped. `ebpf-proxy service show` and `ebpf-proxy explain` say why",
            [.. _labels, "reason"]);
        _isOn = metrics.CreateGauge(
            "ebpf_proxy_service_metrics",
            "Whether services are told one by one; 0 where there are more ports of services than --service-metrics-limit");
        registry.AddBeforeCollectCallback(Read);
    }

    /// <summary>Both families of a port are one.</summary>
    private readonly record struct Labels(string Namespace, string Service, string Port, string Protocol)
    {
        public static Labels Of(ServiceKey key) => new(key.Service.Namespace, key.Service.Name, key.PortName, Words.Of(key.Protocol));

        public string[] ToArray() => [Namespace, Service, Port, Protocol];

        public string[] With(string reason) => [Namespace, Service, Port, Protocol, reason];
    }

    private void Read()
    {
        lock (_lock)
        {
            try
            {
                bool isOn = TallyView.CountServices(_bpfFileSystem) <= _limit;
                _isOn.Set(isOn ? 1 : 0);
                Tell(isOn ? TallyView.Read(_bpfFileSystem) : []);
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                Log.CountersUnreadable(_logger, e);
            }
        }
    }

    private void Tell(IReadOnlyList<ServiceTally> tallies)
    {
        var now = tallies.GroupBy(tally => Labels.Of(tally.Service)).ToDictionary(group => group.Key, group => group.ToList());

        // Another id is another service, under the same name: it begins at 0.
        foreach (var (labels, ids) in _told.Where(row => !now.TryGetValue(row.Key, out var same) || !same.Select(one => one.ServiceId).Order().SequenceEqual(row.Value)))
        {
            Forget(labels);
        }

        foreach (var (labels, parts) in now)
        {
            string[] values = labels.ToArray();
            if (HasBegunAnew(labels, parts))
            {
                Forget(labels);
            }

            _opened.WithLabels(values).IncTo(parts.Sum(part => (double)part.Opened));
            _open.WithLabels(values).Set(parts.Sum(part => (double)part.Open));
            _sent.WithLabels(values).IncTo(parts.Sum(part => (double)part.BytesSent));
            _received.WithLabels(values).IncTo(parts.Sum(part => (double)part.BytesReceived));
            foreach (var (reason, count) in parts.SelectMany(part => Words.CountsOf(part.Refusals)).GroupBy(one => one.Reason, (reason, all) => (reason, all.Sum(one => (double)one.Count))))
            {
                _refusals.WithLabels(labels.With(reason)).IncTo(count);
            }
        }

        _told = now.ToDictionary(row => row.Key, row => row.Value.Select(one => one.ServiceId).Order().ToList());
    }

    /// <summary>
    /// So has one that was removed and came back between two looks: it may have got its id again. Told is what is less then; bytes, of
    /// which a look may miss some, are no sign.
    /// </summary>
    private bool HasBegunAnew(Labels labels, List<ServiceTally> parts) =>
        parts.Sum(part => (double)part.Opened) < _opened.WithLabels(labels.ToArray()).Value
        || parts.SelectMany(part => Words.CountsOf(part.Refusals)).GroupBy(one => one.Reason)
            .Any(all => all.Sum(one => (double)one.Count) < _refusals.WithLabels(labels.With(all.Key)).Value);

    private void Forget(Labels labels)
    {
        string[] values = labels.ToArray();
        _opened.RemoveLabelled(values);
        _open.RemoveLabelled(values);
        _sent.RemoveLabelled(values);
        _received.RemoveLabelled(values);
        foreach (var (reason, _) in Words.CountsOf(default))
        {
            _refusals.RemoveLabelled(labels.With(reason));
        }
    }
}
