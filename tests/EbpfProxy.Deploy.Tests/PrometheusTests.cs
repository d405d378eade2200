using System.Text.RegularExpressions;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Deploy.Tests;

public sealed partial class PrometheusTests
{
    /// <summary>What Prometheus itself has of a target, and what a library gives every process.</summary>
    private static readonly string[] _ofEveryTarget = ["up", "process_start_time_seconds"];

    [Fact]
    public void Every_alert_asks_for_metrics_and_reasons_that_the_proxy_or_its_scrape_has()
    {
        string source = string.Join('\n', Directory.EnumerateFiles(Path.Combine(Repository.Path!, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/Generated/", StringComparison.Ordinal)).Select(File.ReadAllText));
        string abi = File.ReadAllText(Path.Combine(Repository.Path!, "bpf/include/abi.h"));
        var rules = Rules();

        Assert.NotEmpty(rules);
        Assert.All(rules, rule =>
        {
            string[] names = Metric().Matches(rule.Expr).Select(match => match.Value).ToArray();
            Assert.NotEmpty(names);
            Assert.All(names.Except(_ofEveryTarget), name => Assert.Contains($"\"{name}\"", source, StringComparison.Ordinal));
            var reasons = Reason().Matches(rule.Expr).SelectMany(match => match.Groups[1].Value.Split('|'));
            Assert.All(reasons, reason => Assert.Contains($"\tREASON_{reason.ToUpperInvariant()} =", abi, StringComparison.Ordinal));
        });
    }

    [Fact]
    public void Every_alert_has_a_name_of_its_own_a_severity_and_says_what_to_do()
    {
        var rules = Rules();

        Assert.Equal(rules.Count, rules.Select(rule => rule.Alert).Distinct().Count());
        Assert.All(rules, rule =>
        {
            Assert.Contains(rule.Labels["severity"], (string[])["info", "warning", "critical"]);
            Assert.NotEmpty(rule.Annotations["summary"]);
            Assert.NotEmpty(rule.Annotations["description"]);
        });
    }

    /// <summary>Who is woken by it is led to the place that says what to do.</summary>
    [Fact]
    public void Every_alert_has_a_heading_of_its_own_in_the_document_and_leads_there()
    {
        var rules = Rules();
        string[] headings = [.. File.ReadLines(Path.Combine(Repository.Path!, "docs/alerts.md")).Where(line => line.StartsWith("## ", StringComparison.Ordinal))];

        Assert.Equal(rules.Select(rule => $"## {rule.Alert}"), headings);
        Assert.All(rules, rule => Assert.Equal($"docs/alerts.md#{rule.Alert.ToLowerInvariant()}", rule.Annotations["runbook"]));
    }

    [Fact]
    public void The_monitor_finds_the_daemon_s_pods_and_their_port()
    {
        var overlay = Overlay.Render("prometheus");
        var monitor = overlay.One<PodMonitor>("ebpf-proxy");

        Assert.All(monitor.Spec.Selector.MatchLabels, label => Assert.Equal(label.Value, overlay.Proxy.Spec.Template.Metadata.Labels[label.Key]));
        Assert.Contains(overlay.Daemon.Ports, port => port.Name == Assert.Single(monitor.Spec.PodMetricsEndpoints).Port);
        Assert.Contains("--open-metrics", overlay.Daemon.Args);
    }

    private static List<AlertRule> Rules() =>
        [.. Overlay.Render("prometheus").One<PrometheusRule>("ebpf-proxy").Spec.Groups.SelectMany(group => group.Rules)];

    [GeneratedRegex(@"\b(?:(?:kubeproxy|ebpf_proxy)_\w+|up(?=\{)|process_start_time_seconds)")]
    private static partial Regex Metric();

    [GeneratedRegex("reason=~?\"([^\"]*)\"")]
    private static partial Regex Reason();
}
