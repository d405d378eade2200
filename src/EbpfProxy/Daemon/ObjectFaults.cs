using EbpfProxy.Controller.Objects;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Output;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Says what objects were skipped, or parts of them, a line each, and counts them.</summary>
internal sealed class ObjectFaults : IObjectFaults
{
    private static readonly string[] _label = ["kind"];
    private static readonly string[] _kinds = ["Service", "EndpointSlice", "Node", "ServiceCIDR", "Manifest"];

    private readonly ILogger<ObjectFaults> _logger;
    private readonly Counter _count;

    public ObjectFaults(IMetricFactory metrics, ILogger<ObjectFaults> logger)
    {
        _logger = logger;
        _count = metrics.CreateCounter(
            "ebpf_proxy_object_faults_total", "Objects, or parts of them, that made no sense and were skipped; the log names object and field", _label);
        foreach (string kind in _kinds)
        {
            // There from the start: an increase from nothing to 1 is none to Prometheus.
            _count.WithLabels(kind).IncTo(0);
        }
    }

    public void Report(string kind, ObjectName name, string field, string message)
    {
        _count.WithLabels(kind).Inc();
        Log.ObjectFault(_logger, kind, name.Name is null ? "" : $" {NameOf(name)}", field.Length == 0 ? "" : $" {field}", message);
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
