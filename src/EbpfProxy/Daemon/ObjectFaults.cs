using EbpfProxy.Commands;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Says what objects were skipped, or parts of them, a line each, and counts them.</summary>
internal sealed class ObjectFaults(IMetricFactory metrics, ILogger<ObjectFaults> logger) : IObjectFaults
{
    private static readonly string[] _label = ["kind"];

    private readonly Counter _count = metrics.CreateCounter(
        "ebpf_proxy_object_faults_total", "Objects, or parts of them, that made no sense and were skipped; the log names object and field", _label);

    public void Report(string kind, ObjectName name, string field, string message)
    {
        _count.WithLabels(kind).Inc();
        Log.ObjectFault(logger, kind, name.Name is null ? "" : $" {NameOf(name)}", field.Length == 0 ? "" : $" {field}", message);
    }

    /// <summary>A service does without an address that it wants, because another has it.</summary>
    public void Report(ContestedFrontend contested)
    {
        bool isNodePort = contested.Address == Address.AnyOf(contested.Address.Family);
        string place = $"{(isNodePort ? $"node port {contested.Port}" : Words.Of(contested.Address, contested.Port))} {Words.Of(contested.Other.Protocol)}";
        Report("Service", contested.Other.Service, "", $"{place} leads to {contested.Holder.Service}, which wants it as well and comes first");
    }

    private static string NameOf(ObjectName name) => string.IsNullOrEmpty(name.Namespace) ? name.Name : name.ToString();
}
