using Prometheus;

namespace EbpfProxy.Controller.Health;

/// <summary>Counts the answers of the health server by their status, under kube-proxy's names.</summary>
public sealed class HealthMetrics(IMetricFactory metrics)
{
    private static readonly string[] _label = ["code"];

    private readonly Counter _healthz = metrics.CreateCounter("kubeproxy_proxy_healthz_total", "Answers of /healthz", _label);
    private readonly Counter _livez = metrics.CreateCounter("kubeproxy_proxy_livez_total", "Answers of /livez", _label);

    public void OnHealthz(HealthReport report) => Count(_healthz, report);

    public void OnLivez(HealthReport report) => Count(_livez, report);

    private static void Count(Counter counter, HealthReport report) =>
        counter.WithLabels(report.IsOk ? "200" : "503").Inc();
}
