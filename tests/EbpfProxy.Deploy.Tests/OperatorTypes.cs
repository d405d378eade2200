using k8s.Models;

namespace EbpfProxy.Deploy.Tests;

/// <summary>What we use of the Prometheus operator's PodMonitor; a field that is not here is refused.</summary>
internal sealed class PodMonitor : IMetadata<V1ObjectMeta>
{
    public string? ApiVersion { get; set; }

    public string? Kind { get; set; }

    public V1ObjectMeta Metadata { get; set; } = new();

    public PodMonitorSpec Spec { get; set; } = new();
}

internal sealed class PodMonitorSpec
{
    public V1LabelSelector Selector { get; set; } = new();

    public IList<MetricsEndpoint> PodMetricsEndpoints { get; set; } = [];
}

internal sealed class MetricsEndpoint
{
    public string Port { get; set; } = "";

    public string Interval { get; set; } = "";

    public IList<Relabeling> Relabelings { get; set; } = [];
}

internal sealed class Relabeling
{
    public IList<string> SourceLabels { get; set; } = [];

    public string TargetLabel { get; set; } = "";
}

/// <summary>The same of its PrometheusRule.</summary>
internal sealed class PrometheusRule : IMetadata<V1ObjectMeta>
{
    public string? ApiVersion { get; set; }

    public string? Kind { get; set; }

    public V1ObjectMeta Metadata { get; set; } = new();

    public PrometheusRuleSpec Spec { get; set; } = new();
}

internal sealed class PrometheusRuleSpec
{
    public IList<RuleGroup> Groups { get; set; } = [];
}

internal sealed class RuleGroup
{
    public string Name { get; set; } = "";

    public IList<AlertRule> Rules { get; set; } = [];
}

internal sealed class AlertRule
{
    public string Alert { get; set; } = "";

    public string Expr { get; set; } = "";

    public string? For { get; set; }

    public IDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>();

    public IDictionary<string, string> Annotations { get; set; } = new Dictionary<string, string>();
}
