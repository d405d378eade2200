using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Model.Endpoints;

/// <summary>An endpoint joined with the target port that its slice gives for one Service port.</summary>
internal readonly struct ServiceEndpoint(Endpoint endpoint, ushort port, int order) : IComparable<ServiceEndpoint>
{
    public readonly Address Address = endpoint.Address;
    public readonly TopologyHints? Hints = endpoint.Hints;
    public readonly ushort Port = port;
    public readonly EndpointConditions Conditions = endpoint.Conditions;
    public readonly bool IsLocal = endpoint.IsLocal;

    /// <summary>The place among all that were seen: it decides which of two entries for one address and port counts.</summary>
    private readonly int _order = order;

    public bool IsReady => (Conditions & EndpointConditions.Ready) != 0;

    public bool IsServing => (Conditions & EndpointConditions.Serving) != 0;

    public bool IsTerminating => (Conditions & EndpointConditions.Terminating) != 0;

    public bool IsSameAs(in ServiceEndpoint other) => Port == other.Port && Address == other.Address;

    public int CompareTo(ServiceEndpoint other)
    {
        int order = Address.CompareTo(other.Address);
        if (order == 0)
        {
            order = Port.CompareTo(other.Port);
        }

        return order == 0 ? _order.CompareTo(other._order) : order;
    }
}
