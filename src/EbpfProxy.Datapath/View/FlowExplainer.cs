using System.Collections.Immutable;
using System.Net;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.View;

/// <summary>The first packet of a flow that somebody asks about.</summary>
public sealed record ExplainedFlow(Address Client, ClientPlace Place, Address Destination, ushort Port, Protocol Protocol);

/// <summary>What becomes of a flow.</summary>
public enum FlowFate
{
    /// <summary>Nothing leads to a service: it is routed as it is.</summary>
    Untouched,

    /// <summary>It gets one of the backends that can be chosen.</summary>
    Translated,

    /// <summary>Connection refused, or an ICMP error.</summary>
    Refused,

    /// <summary>Nothing is answered.</summary>
    Dropped,
}

/// <summary>Why an endpoint can be chosen for a flow, or cannot.</summary>
public enum EndpointReason
{
    /// <summary>It can be chosen.</summary>
    Chosen,

    /// <summary>It keeps what it has and gets nothing new: it is not ready, or terminates while others are ready.</summary>
    Draining,

    /// <summary>The same, or topology hints leave it to other nodes: the maps do not tell which.</summary>
    PassedOver,

    /// <summary>The policy is Local, and it is on another node.</summary>
    OnOtherNode,

    /// <summary>Topology hints give this node's traffic to others.</summary>
    NotHinted,

    /// <summary>No traffic of this kind gets any endpoint.</summary>
    NoneIsChosen,
}

/// <summary>An endpoint of the service that a flow asks.</summary>
/// <param name="Backend">The endpoint.</param>
/// <param name="Reason">Whether it can be chosen, or why not.</param>
/// <param name="IsMasqueraded">Where it can: whether it sees an address of the node, where packets are translated.</param>
public sealed record ExplainedEndpoint(BackendRow Backend, EndpointReason Reason, bool IsMasqueraded);

/// <summary>What becomes of a flow, and why.</summary>
/// <param name="Fate">What becomes of it.</param>
/// <param name="Why">In a sentence.</param>
/// <param name="Service">The service that it asks; null for none.</param>
/// <param name="Frontend">By which of its frontends.</param>
/// <param name="Endpoints">All endpoints of the service.</param>
public sealed record FlowExplanation(
    FlowFate Fate, string Why, ServiceRow? Service, Frontend? Frontend, ImmutableArray<ExplainedEndpoint> Endpoints);

/// <summary>Says what the programs do with a flow, by the same rules and from the same tables.</summary>
/// <param name="services">What the maps hold of services.</param>
/// <param name="addresses">What they hold of addresses.</param>
/// <param name="rules">The configuration of the daemon.</param>
/// <param name="preservesClient">Whether under policy Cluster backends of this node see the client itself.</param>
/// <param name="servicePrefix">The prefix that only services have addresses of and that has what is asked; null for none.</param>
/// <param name="loopback">Where the node's own sockets find node ports at loopback addresses.</param>
public sealed class FlowExplainer(
    IReadOnlyList<ServiceRow> services,
    IReadOnlyDictionary<Address, AddressRole> addresses,
    MasqueradeRules rules,
    bool preservesClient,
    Prefix? servicePrefix,
    LoopbackNodePorts loopback)
{
    private const int MostPorts = 8;

    public FlowExplanation Explain(ExplainedFlow flow)
    {
        if (flow.Destination == Address.AnyOf(flow.Destination.Family))
        {
            // The kernel takes 0.0.0.0 as the address that the socket is bound to, and :: as loopback; so do the programs.
            bool isOwn = flow is { Place: ClientPlace.Node, Client.Family: IpFamily.IPv4, Destination.Family: IpFamily.IPv4 };
            var itself = Address.From(flow.Destination.Family == IpFamily.IPv4 ? IPAddress.Loopback : IPAddress.IPv6Loopback);
            flow = flow with { Destination = isOwn ? flow.Client : itself };
        }

        var roles = addresses.GetValueOrDefault(flow.Destination);
        if (roles.HasFlag(AddressRole.ClusterIP) && roles.HasFlag(AddressRole.OnDevice))
        {
            return Nothing(FlowFate.Untouched, "a device of this node holds the address, which is left to the stack while it does");
        }

        if (flow.Destination.IsLoopback)
        {
            if (flow.Place != ClientPlace.Node)
            {
                return Nothing(FlowFate.Untouched, "a loopback address is the client's own");
            }

            roles |= AddressRole.Node;
        }

        var (service, frontend) = Find(flow, roles);
        if (service is not null && flow.Destination.IsLoopback && !HasNodePorts(flow))
        {
            return Nothing(FlowFate.Untouched, $"{service.Key} has this node port, but not at this loopback address: see localhostNodePorts");
        }

        if (service is null)
        {
            return roles.HasFlag(AddressRole.ClusterIP)
                ? Nothing(FlowFate.Refused, $"it is a cluster IP, and no service has this port and protocol there{WhatIsThere(flow, roles)}")
                : roles == AddressRole.None && servicePrefix is { } prefix
                ? Nothing(FlowFate.Dropped, $"no service has the address, and only services have addresses of {prefix}")
                : Nothing(FlowFate.Untouched, $"no service has this address, port and protocol{WhatIsThere(flow, roles)}");
        }

        var verdict = FlowRules.For(ToTables(service), frontend, flow.Client, flow.Place, rules);
        bool keepsClient = preservesClient && frontend.Kind != FrontendKind.ClusterIP && service.Verdicts.External == Verdict.Cluster;
        bool isDenied = frontend.HasSourceRanges && !service.SourceRanges.Any(range => range.Contains(flow.Client));
        var endpoints = service.Backends
            .Select(backend => new ExplainedEndpoint(
                backend, isDenied ? EndpointReason.NoneIsChosen : ReasonOf(backend, verdict.Verdict), IsMasqueraded(backend, verdict, flow.Client, keepsClient)))
            .ToImmutableArray();
        var (fate, why) = verdict.Verdict switch
        {
            Verdict.Drop when isDenied => (FlowFate.Dropped, "the client is in none of the service's source ranges"),
            Verdict.Drop => (FlowFate.Dropped, "the traffic policy is Local, and there is no endpoint on this node"),
            Verdict.Refuse => (FlowFate.Refused, "the service has no endpoint that is ready, or serves while it terminates"),
            Verdict.Local => (FlowFate.Translated, "the traffic policy is Local: one of the endpoints of this node, each as likely as any other"),
            Verdict.Cluster => (FlowFate.Translated, "one of the endpoints below, each as likely as any other"),
        };
        return new FlowExplanation(fate, why, service, frontend, endpoints);
    }

    private bool HasNodePorts(ExplainedFlow flow) =>
        loopback == LoopbackNodePorts.All
        || (loopback == LoopbackNodePorts.Tcp4 && flow.Protocol == Protocol.Tcp && flow.Destination.Family == IpFamily.IPv4);

    private static FlowExplanation Nothing(FlowFate fate, string why) => new(fate, why, null, null, []);

    private (ServiceRow? Service, Frontend Frontend) Find(ExplainedFlow flow, AddressRole roles)
    {
        var found = Find(flow, frontend => frontend.Kind != FrontendKind.NodePort && frontend.Address == flow.Destination);
        return found.Service is null && roles.HasFlag(AddressRole.Node)
            ? Find(flow, frontend => frontend.Kind == FrontendKind.NodePort && frontend.Address == Address.AnyOf(flow.Destination.Family))
            : found;
    }

    private (ServiceRow? Service, Frontend Frontend) Find(ExplainedFlow flow, Func<Frontend, bool> isAsked) => services
        .Where(service => service.Key.Protocol == flow.Protocol)
        .SelectMany(service => service.Frontends.Select(frontend => ((ServiceRow? Service, Frontend Frontend))(service, frontend)))
        .FirstOrDefault(pair => pair.Frontend.Port == flow.Port && isAsked(pair.Frontend));

    /// <summary>
    /// What is nearest to what was asked: "; 10.96.0.10 is default/web: 80/TCP", or of an address of the node "; 30080 is TCP of
    /// default/web"; empty where nothing is.
    /// </summary>
    private string WhatIsThere(ExplainedFlow flow, AddressRole roles)
    {
        var pairs = services.SelectMany(service => service.Frontends.Select(frontend => (Service: service.Key, Frontend: frontend))).ToArray();
        string[] ofAddress =
        [
            .. pairs.Where(pair => pair.Frontend.Kind != FrontendKind.NodePort && pair.Frontend.Address == flow.Destination)
                .GroupBy(pair => pair.Service.Service, pair => $"{pair.Frontend.Port}/{NameOf(pair.Service)}")
                .Select(ports => $"{ports.Key}: {string.Join(", ", ports.Take(MostPorts))}{(ports.Count() > MostPorts ? ", ..." : "")}"),
        ];
        string[] ofPort =
        [
            .. pairs.Where(pair => roles.HasFlag(AddressRole.Node) && pair.Frontend.Kind == FrontendKind.NodePort
                    && pair.Frontend.Port == flow.Port && pair.Service.Family == flow.Destination.Family)
                .Select(pair => $"{NameOf(pair.Service)} of {pair.Service.Service}"),
        ];
        return (ofAddress.Length > 0 ? $"; {flow.Destination} is {string.Join("; ", ofAddress)}" : "")
            + (ofPort.Length > 0 ? $"; {flow.Port} is {string.Join(" and ", ofPort)}" : "");
    }

    private static string NameOf(ServiceKey key) => key.Protocol.ToString().ToUpperInvariant();

    private static PortTables ToTables(ServiceRow service) => new()
    {
        Key = service.Key,
        Frontends = service.Frontends,
        Backends = [],
        Verdicts = service.Verdicts,
        SourceRanges = service.SourceRanges,
    };

    private static EndpointReason ReasonOf(BackendRow backend, Verdict verdict)
    {
        var sets = backend.Use & (BackendUse.InClusterSet | BackendUse.InLocalSet);
        return verdict switch
        {
            Verdict.Cluster => sets.HasFlag(BackendUse.InClusterSet) ? EndpointReason.Chosen
                : sets != BackendUse.None ? EndpointReason.NotHinted : EndpointReason.PassedOver,
            Verdict.Local or Verdict.Drop => sets.HasFlag(BackendUse.InLocalSet) ? EndpointReason.Chosen
                : backend.Use.HasFlag(BackendUse.OnNode) ? EndpointReason.Draining : EndpointReason.OnOtherNode,
            Verdict.Refuse => sets != BackendUse.None ? EndpointReason.NoneIsChosen : EndpointReason.Draining,
        };
    }

    private static bool IsMasqueraded(BackendRow backend, FlowVerdict verdict, Address client, bool keepsClient) =>
        (verdict.IsMasqueraded && !(keepsClient && backend.Use.HasFlag(BackendUse.OnNode))) || client == backend.Address;
}
