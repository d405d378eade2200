using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Says what objects were skipped, or parts of them, a line each, and counts them.</summary>
internal sealed class ObjectFaults(IMetricFactory metrics, ILogger<ObjectFaults> logger) : IObjectFaults
{
    private static readonly string[] _label = ["kind"];

    private readonly Counter _count = metrics.CreateCounter(
        "ebpf_proxy_object_faults_total", "Objects, or parts of them, that made no sense and were skipped", _label);

    public void Report(string kind, ObjectName name, string field, string message)
    {
        _count.WithLabels(kind).Inc();
        Log.ObjectFault(logger, kind, name.Name is null ? "" : $" {NameOf(name)}", field.Length == 0 ? "" : $" {field}", message);
    }

    private static string NameOf(ObjectName name) => string.IsNullOrEmpty(name.Namespace) ? name.Name : name.ToString();
}
