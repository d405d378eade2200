using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Tests.Objects;

/// <summary>Keeps what readers report, a line each.</summary>
internal sealed class RecordedFaults : IObjectFaults
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    public void Report(string kind, ObjectName name, string field, string message)
    {
        lock (_lock)
        {
            _lines.Add($"{kind} {name} {field}: {message}");
        }
    }
}
