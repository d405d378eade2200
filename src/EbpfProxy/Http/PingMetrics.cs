using Prometheus;

namespace EbpfProxy.Http;

/// <summary>What Kubernetes' components tell of their health checks at /metrics/slis, apart from the other metrics.</summary>
internal sealed class PingMetrics
{
    private static readonly string[] _labels = ["name", "type"];
    private static readonly string[] _countLabels = ["name", "status", "type"];

    private readonly Gauge.Child _ping;
    private readonly Counter.Child _successes;

    public PingMetrics()
    {
        var metrics = Prometheus.Metrics.WithCustomRegistry(Registry);
        _ping = metrics.CreateGauge("kubernetes_healthcheck", "Whether the check was passed when it was last asked for", _labels)
            .WithLabels("ping", "healthz");
        _successes = metrics.CreateCounter("kubernetes_healthchecks_total", "How often the check was asked for, by what came of it", _countLabels)
            .WithLabels("ping", "success", "healthz");
    }

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public void OnHealthz()
    {
        _ping.Set(1);
        _successes.Inc();
    }
}
