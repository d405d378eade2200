using EbpfProxy.Model.Network;
using Prometheus;

namespace EbpfProxy.Controller.Sync;

/// <summary>
/// What kube-proxy tells of its modes. Alerts on rules that could not be written go on: those are our failed syncs. What
/// counts rules is 0, because there are none.
/// </summary>
internal sealed class ModeMetrics
{
    private static readonly IpFamily[] _families = [IpFamily.IPv4, IpFamily.IPv6];
    private static readonly string[] _tables = ["filter", "nat"];
    private static readonly string[] _familyLabel = ["ip_family"];
    private static readonly string[] _tableLabels = ["table", "ip_family"];

    private readonly Counter[] _failures;

    public ModeMetrics(IMetricFactory metrics)
    {
        const string failedSync = "As ebpf_proxy_sync_failures_total, under the name that alerts for this mode of kube-proxy ask for";
        const string never = "Always 0: there is nothing of this mode of kube-proxy";
        _failures =
        [
            metrics.CreateCounter("kubeproxy_sync_proxy_rules_iptables_restore_failures_total", failedSync, _familyLabel),
            metrics.CreateCounter("kubeproxy_sync_proxy_rules_nftables_sync_failures_total", failedSync, _familyLabel),
        ];
        Counter[] zeros =
        [
            metrics.CreateCounter("kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total", never, _familyLabel),
            metrics.CreateCounter("kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total", never, _familyLabel),
        ];
        Gauge[] rules =
        [
            metrics.CreateGauge("kubeproxy_sync_proxy_rules_iptables_total", never, _tableLabels),
            metrics.CreateGauge("kubeproxy_sync_proxy_rules_iptables_last", never, _tableLabels),
        ];
        foreach (string family in _families.Select(family => family.ToString()))
        {
            foreach (var counter in _failures.Concat(zeros))
            {
                // There from the start: an increase from nothing to 1 is none to Prometheus.
                counter.WithLabels(family).IncTo(0);
            }

            foreach (var (gauge, table) in rules.SelectMany(gauge => _tables, (gauge, table) => (gauge, table)))
            {
                gauge.WithLabels(table, family).Set(0);
            }
        }
    }

    public void OnFailed()
    {
        foreach (var counter in _failures)
        {
            foreach (var family in _families)
            {
                counter.WithLabels(family.ToString()).Inc();
            }
        }
    }
}
