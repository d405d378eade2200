using System.Text;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Deploy.Tests;

/// <summary>
/// Each alert by Prometheus' own tool, with the times that ship: half an hour of its clock healthy, then with the fault. That the
/// series move so when the fault is made is AlertFaultTests'.
/// </summary>
public sealed class AlertTests : IDisposable
{
    private const string Nothing = "[]";
    private const string Firing = "[{ labels: '{}', value: 1 }]";

    private static readonly Case[] _rows =
    [
        new("EbpfProxyDown", [("up{job='kube-system/ebpf-proxy'}", "1x30 0x30")]),
        new("EbpfProxyUnseen", [("up{job='kube-system/ebpf-proxy'}", "1x60"), ("ebpf_proxy_build_info", "1x20 _x40")]),
        new("EbpfProxyAbsent", [("up{job='ebpf-proxy'}", "1x30 0x30")]),
        new("EbpfProxyRestarts", [("process_start_time_seconds{job='kube-system/ebpf-proxy'}", "60x30 1860+60x30")]),
        new("EbpfProxyNotReady", [("ebpf_proxy_not_ready{reason='devices'}", "0x30 1x30")]),
        new("EbpfProxyDevicesFailed", [("ebpf_proxy_devices_failed", "0x30 1x30")]),
        new("EbpfProxySyncsFail", [("ebpf_proxy_sync_failures_total", "0x30 1+1x30")]),
        new("EbpfProxyChangesWait",
        [
            // A change a second after the last sync, and none since.
            ("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family='IPv4'}", "1000x30 1002x30"),
            ("kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family='IPv4'}", "1001x60"),
        ]),
        new("EbpfProxyHearsNothing", [("ebpf_proxy_watch_age_seconds{resource='services'}", "30x30 660+60x30")]),
        new("EbpfProxyConnectionsFull", [("ebpf_proxy_datapath_events_total{reason='connections_full'}", "0x30 5+5x30")]),
        new("EbpfProxyConnectionsNearlyFull", [("ebpf_proxy_connections", "10x30 950x30"), ("ebpf_proxy_connections_capacity", "1000x60")]),
        new("EbpfProxyNoSource", [("ebpf_proxy_datapath_events_total{reason='no_source_port'}", "0x30 1+1x30")]),
        new("EbpfProxyObjectsSkipped", [("ebpf_proxy_object_faults_total{kind='Service'}", "0x52 1x8"), ("process_start_time_seconds", "60x60")]),
        new("EbpfProxyKubeProxyRuns", [("ebpf_proxy_kube_proxy_running", "0x25 1x35")]),
        new("EbpfProxyTakeoverUnfinished", [("ebpf_proxy_kube_proxy_parts", "0x30 1x1500")]) { End = 1500 },
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ebpf-proxy-alerts-");

    public static TheoryData<string> Alerts => [.. _rows.Select(row => row.Alert)];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Alerts))]
    public void Alert_is_quiet_without_its_fault_and_fires_with_it(string alert)
    {
        var row = _rows.Single(row => row.Alert == alert);

        var result = Test(row, Firing);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    [Theory]
    [MemberData(nameof(Alerts))]
    public void Alert_stays_quiet_where_the_fault_does_not_come(string alert)
    {
        var row = _rows.Single(row => row.Alert == alert);

        var result = Test(row with { Series = [.. row.Series.Select(one => (one.Name, $"{one.Values.Split('x')[0]}x{row.End + 1}"))] }, Nothing);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    [Fact]
    public void Every_alert_is_tried() => Assert.Equal(
        Overlay.Render("prometheus").One<PrometheusRule>("ebpf-proxy").Spec.Groups.SelectMany(group => group.Rules).Select(rule => rule.Alert).Order(),
        _rows.Select(row => row.Alert).Order());

    /// <summary>Expects nothing after half an hour, and <paramref name="expected"/> at the end.</summary>
    private ShellResult Test(Case row, string expected)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "rules.yaml"), Rules());
        var test = new StringBuilder("rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n");
        foreach (var (name, values) in row.Series)
        {
            string labelled = name.EndsWith('}') ? name.Replace("{", "{node='n',instance='i',", StringComparison.Ordinal) : name + "{node='n',instance='i'}";
            test.Append("  - { series: \"").Append(labelled).Append("\", values: '").Append(values).Append("' }\n");
        }

        string firing = $"count(ALERTS{{alertname='{row.Alert}',alertstate='firing'}})";
        test.Append("  promql_expr_test:\n");
        test.Append("  - { expr: \"").Append(firing).Append("\", eval_time: 29m, exp_samples: [] }\n");
        test.Append("  - { expr: \"").Append(firing).Append("\", eval_time: ").Append(row.End).Append("m, exp_samples: ").Append(expected).Append(" }\n");
        string file = Path.Combine(_folder.FullName, "test.yaml");
        File.WriteAllText(file, test.ToString());
        string promtool = Path.Combine(Repository.Path!, ".artifacts/deps/prometheus/usr/bin/promtool");
        return Shell.Run("\"$1\" test rules \"$2\"", promtool, file);
    }

    /// <summary>What stands below `spec:`, which is what Prometheus itself reads.</summary>
    private static string Rules()
    {
        var lines = File.ReadLines(Path.Combine(Overlay.Root, "components/prometheus/rules.yaml"));
        return string.Join('\n', lines.SkipWhile(line => line != "spec:").Skip(1).Select(line => line[2..]));
    }

    /// <summary>An alert, and the series that it goes by in the notation of promtool: `0x30` is 0 for thirty minutes more.</summary>
    private sealed record Case(string Alert, (string Name, string Values)[] Series)
    {
        /// <summary>The minute at which it has to fire.</summary>
        public int End { get; init; } = 59;
    }
}
