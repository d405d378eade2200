using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Objects;

/// <summary>Where a reader of objects reports what it skips: one clear line each, and a counter.</summary>
public interface IObjectFaults
{
    /// <summary>An object, or a part of it, makes no sense and is skipped.</summary>
    /// <param name="kind">The kind of the object, as in "EndpointSlice".</param>
    /// <param name="name">Its name; default where it has none.</param>
    /// <param name="field">The path of the field, as in "endpoints[3].addresses[0]"; empty for the whole object.</param>
    /// <param name="message">What is wrong with it, with the value, as in "\"10.0.0.300\" is not an IP address".</param>
    void Report(string kind, ObjectName name, string field, string message);
}
