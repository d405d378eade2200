using Prometheus;

namespace EbpfProxy.Controller.Health;

/// <summary>Counts the answers of the health server by their status, under kube-proxy's names.</summary>
public sealed class HealthMetrics
{
    private static readonly string[] _label = ["code"];
    private static readonly string[] _codes = ["200", "503"];

    private readonly Counter _healthz;
    private readonly Counter _livez;

    public HealthMetrics(IMetricFactory metrics)
    {
        _healthz = metrics.CreateCounter(
            "kubeproxy_proxy_healthz_total",
            "Answers of /healthz by status. 503 takes the node from load balancers: it is on its way out, or the answer names the family that waits",
            _label);
        _livez = metrics.CreateCounter(
            "kubeproxy_proxy_livez_total",
            "Answers of /livez by status. 503: maps have waited for twice the sync period; ebpf_proxy_sync_failures_total and the log say why",
            _label);
        foreach (string code in _codes)
        {
            // There from the start: an increase from nothing to 1 is none to Prometheus.
            _healthz.WithLabels(code).IncTo(0);
            _livez.WithLabels(code).IncTo(0);
        }
    }

    public void OnHealthz(HealthReport report) => Count(_healthz, report);

    public void OnLivez(HealthReport report) => Count(_livez, report);

    private static void Count(Counter counter, HealthReport report) =>
        counter.WithLabels(report.IsOk ? "200" : "503").Inc();
}
