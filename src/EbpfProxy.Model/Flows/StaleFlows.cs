using System.Collections.Immutable;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Model.Flows;

/// <summary>
/// Which flows of UDP are to be cut because who answers them serves their service no more: their next packet, or socket,
/// gets one that does. Never of a service that nobody serves, because no other could answer; never of TCP or SCTP.
/// </summary>
public sealed class StaleFlows
{
    private readonly Dictionary<(Address Address, ushort Port), ImmutableArray<Backend>> _backends = [];

    /// <param name="ports">The services to look at; others' flows are never stale.</param>
    public StaleFlows(IEnumerable<PortTables> ports)
    {
        foreach (var port in ports)
        {
            if (port.Key.Protocol == Protocol.Udp && !port.Backends.IsEmpty)
            {
                Add(port);
            }
        }
    }

    public bool IsEmpty => _backends.Count == 0;

    /// <summary>Whether flows of a family may be stale.</summary>
    public bool Has(IpFamily family) => _backends.Keys.Any(door => door.Address.Family == family);

    /// <param name="flow">The flow.</param>
    /// <param name="isOfNode">
    /// Whether an address is this node's: only there an untranslated flow is one to a node port, and from there an untranslated
    /// one is of a socket that no hook saw.
    /// </param>
    public bool IsStale(in TrackedFlow flow, Func<Address, bool> isOfNode)
    {
        // What the node's own sockets ask past the hooks is translated where it leaves, which connection tracking does not see:
        // to it the service itself answers, and goes on to, whichever backend that is.
        if (flow.Protocol != Protocol.Udp || (!flow.IsSentOn && isOfNode(flow.Client)))
        {
            return false;
        }

        if (_backends.TryGetValue((flow.Asked, flow.AskedPort), out var backends))
        {
            return !Holds(backends, flow);
        }

        return _backends.TryGetValue((Address.AnyOf(flow.Asked.Family), flow.AskedPort), out backends)
            && !Holds(backends, flow)
            && (flow.IsTranslated || isOfNode(flow.Asked));
    }

    private static bool Holds(ImmutableArray<Backend> backends, in TrackedFlow flow)
    {
        foreach (var backend in backends)
        {
            if (backend.Address == flow.Answering && backend.Port == flow.AnsweringPort)
            {
                return true;
            }
        }

        return false;
    }

    private void Add(PortTables port)
    {
        foreach (var frontend in port.Frontends)
        {
            // Services may share an external address and port: a backend of either may answer there.
            var door = (frontend.Address, frontend.Port);
            _backends[door] = _backends.TryGetValue(door, out var others) ? others.AddRange(port.Backends) : port.Backends;
        }
    }
}
