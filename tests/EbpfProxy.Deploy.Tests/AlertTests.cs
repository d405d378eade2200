using System.Text;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Deploy.Tests;

/// <summary>Each alert by Prometheus' own tool, over an hour of its clock: half of it healthy, then with the fault.</summary>
public sealed class AlertTests : IDisposable
{
    private const string Nothing = "[]";
    private const string Firing = "[{ labels: '{}', value: 1 }]";

    /// <summary>An alert, and the series that it goes by in the notation of promtool: `0x30` is 0 for thirty minutes more.</summary>
    private static readonly (string Alert, (string Series, string Values)[] Series)[] _rows =
    [
        ("EbpfProxyDevicesFailed", [("ebpf_proxy_devices_failed", "0x30 1x30")]),
        ("EbpfProxySyncsFail", [("ebpf_proxy_sync_failures_total", "0x30 1+1x30")]),
        ("EbpfProxyChangesWait",
        [
            ("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family='IPv4'}", "1000x30 2000x30"),
            ("kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family='IPv4'}", "1001x60"),
        ]),
        ("EbpfProxyHearsNothing", [("ebpf_proxy_watch_age_seconds{resource='services'}", "30x30 660+60x30")]),
        ("EbpfProxyConnectionsFull", [("ebpf_proxy_datapath_events_total{reason='connections_full'}", "0x30 5+5x30")]),
        ("EbpfProxyConnectionsNearlyFull", [("ebpf_proxy_connections", "10x30 950x30"), ("ebpf_proxy_connections_capacity", "1000x60")]),
        ("EbpfProxyNoSource", [("ebpf_proxy_datapath_events_total{reason='no_source_port'}", "0x30 1+1x30")]),
        ("EbpfProxyObjectsSkipped", [("ebpf_proxy_object_faults_total{kind='Service'}", "0x52 1x8")]),
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ebpf-proxy-alerts-");

    public static TheoryData<string> Alerts => [.. _rows.Select(row => row.Alert)];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Alerts))]
    public void Alert_is_quiet_without_its_fault_and_fires_with_it(string alert)
    {
        var (_, series) = _rows.Single(row => row.Alert == alert);

        var result = Test(alert, series, Firing);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    [Theory]
    [MemberData(nameof(Alerts))]
    public void Alert_stays_quiet_where_the_fault_does_not_come(string alert)
    {
        var (_, series) = _rows.Single(row => row.Alert == alert);

        var result = Test(alert, [.. series.Select(one => (one.Series, one.Values.Split('x')[0] + "x60"))], Nothing);

        Assert.True(result.ExitCode == 0, result.Output + result.Error);
    }

    [Fact]
    public void Every_alert_is_tried() => Assert.Equal(
        Overlay.Render("prometheus").One<PrometheusRule>("ebpf-proxy").Spec.Groups.SelectMany(group => group.Rules).Select(rule => rule.Alert).Order(),
        _rows.Select(row => row.Alert).Order());

    /// <summary>Expects nothing after half an hour, and <paramref name="expected"/> after a whole one.</summary>
    private ShellResult Test(string alert, IReadOnlyCollection<(string Series, string Values)> series, string expected)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "rules.yaml"), Rules());
        var test = new StringBuilder("rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n");
        foreach (var (name, values) in series)
        {
            string labelled = name.EndsWith('}') ? name.Replace("{", "{node='n',instance='i',", StringComparison.Ordinal) : name + "{node='n',instance='i'}";
            test.Append("  - { series: \"").Append(labelled).Append("\", values: '").Append(values).Append("' }\n");
        }

        string firing = $"count(ALERTS{{alertname='{alert}',alertstate='firing'}})";
        test.Append("  promql_expr_test:\n");
        test.Append("  - { expr: \"").Append(firing).Append("\", eval_time: 29m, exp_samples: [] }\n");
        test.Append("  - { expr: \"").Append(firing).Append("\", eval_time: 59m, exp_samples: ").Append(expected).Append(" }\n");
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
}
