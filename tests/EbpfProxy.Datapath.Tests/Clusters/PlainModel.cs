using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Tests.Clusters;

/// <summary>
/// What kube-proxy does with the first packet of a flow, said once more: straight from the description of its behaviour
/// (docs/parity.md, Services), object by object, without tables and without a thought for speed. It shares no rule with
/// the code that it is compared to, only the objects of the API.
/// </summary>
internal sealed class PlainModel(ClusterState cluster, MasqueradeRules rules)
{
    private sealed record Candidate(Service Service, ServicePort Port, FrontendKind Kind);

    private sealed record Target(string Name, Address Address, Endpoint Endpoint)
    {
        public bool IsReady => Endpoint.Conditions.HasFlag(EndpointConditions.Ready);

        public bool IsLastResort => Endpoint.Conditions.HasFlag(EndpointConditions.Serving) && Endpoint.Conditions.HasFlag(EndpointConditions.Terminating);

        public IReadOnlyList<string> Zones => Endpoint.Hints is { Zones.IsDefaultOrEmpty: false } hints ? hints.Zones : [];

        public IReadOnlyList<string> Nodes => Endpoint.Hints is { Nodes.IsDefaultOrEmpty: false } hints ? hints.Nodes : [];
    }

    /// <summary>In the words of <see cref="FlowAnswer"/>.</summary>
    public string Answer(AskedFlow flow)
    {
        var asked = CandidatesOf(flow).OrderBy(each => Rank(each.Kind)).ThenBy(each => each.Service.Name).FirstOrDefault();
        if (asked is null)
        {
            return Proxied().Any(service => service.ClusterIPs.Contains(flow.Destination)) ? FlowAnswer.Refused : FlowAnswer.Untouched;
        }

        return asked.Kind == FrontendKind.ClusterIP ? Internal(flow, asked) : External(flow, asked);
    }

    private static int Rank(FrontendKind kind) => kind switch
    {
        FrontendKind.ClusterIP => 0,
        FrontendKind.LoadBalancer => 1,
        FrontendKind.ExternalIP => 2,
        FrontendKind.NodePort => 3,
    };

    private IEnumerable<Service> Proxied() =>
        cluster.Services.Values.Where(service => service.ClusterIPs.Length > 0 && service.Type != ServiceType.ExternalName && !service.HasOtherProxy);

    /// <summary>Every port of every Service that the destination could mean.</summary>
    private IEnumerable<Candidate> CandidatesOf(AskedFlow flow)
    {
        foreach (var service in Proxied().Where(service => service.ClusterIPs.Any(address => address.Family == flow.Destination.Family)))
        {
            foreach (var port in service.Ports.Where(port => port.Protocol == flow.Protocol))
            {
                if (port.Port == flow.Port && service.ClusterIPs.Contains(flow.Destination))
                {
                    yield return new Candidate(service, port, FrontendKind.ClusterIP);
                }
                else if (port.Port == flow.Port && service.LoadBalancerIPs.Contains(flow.Destination))
                {
                    yield return new Candidate(service, port, FrontendKind.LoadBalancer);
                }
                else if (port.Port == flow.Port && service.ExternalIPs.Contains(flow.Destination))
                {
                    yield return new Candidate(service, port, FrontendKind.ExternalIP);
                }
                else if (port.NodePort == flow.Port && cluster.Node.Addresses.Contains(flow.Destination))
                {
                    yield return new Candidate(service, port, FrontendKind.NodePort);
                }
            }
        }
    }

    private string Internal(AskedFlow flow, Candidate asked)
    {
        var targets = TargetsOf(asked, flow.Destination.Family);
        bool isLocal = asked.Service.InternalTrafficPolicy == TrafficPolicy.Local;
        var usable = isLocal ? Local(targets) : Cluster(targets);
        bool isStranger = rules.TellsLocalPodsOf(flow.Client.Family) && flow.Place != ClientPlace.LocalPod;
        return !HasAny(targets) ? FlowAnswer.Refused
            : usable.Count == 0 ? FlowAnswer.Dropped
            : Chosen(flow, usable, rules.MasqueradesAll || isStranger);
    }

    private string External(AskedFlow flow, Candidate asked)
    {
        if (asked.Kind == FrontendKind.LoadBalancer && !MayAsk(flow, asked.Service))
        {
            return FlowAnswer.Dropped;
        }

        var targets = TargetsOf(asked, flow.Destination.Family);
        if (!HasAny(targets))
        {
            return FlowAnswer.Refused;
        }

        bool canComeFromOutside = asked.Service.Type is ServiceType.NodePort or ServiceType.LoadBalancer || asked.Service.ExternalIPs.Length > 0;
        if (!canComeFromOutside || asked.Service.ExternalTrafficPolicy == TrafficPolicy.Cluster)
        {
            return Chosen(flow, Cluster(targets), isMasqueraded: true);
        }

        // Under Local who is near may still go anywhere; a pod that cannot be told from strangers is one.
        bool isPod = flow.Place == ClientPlace.LocalPod && rules.TellsLocalPodsOf(flow.Client.Family);
        if (isPod || flow.Place == ClientPlace.Node)
        {
            return Chosen(flow, Cluster(targets), isMasqueraded: !isPod);
        }

        var local = Local(targets);
        return local.Count == 0 ? FlowAnswer.Dropped : Chosen(flow, local, isMasqueraded: false);
    }

    private bool MayAsk(AskedFlow flow, Service service)
    {
        var ranges = service.LoadBalancerSourceRanges.Where(range => range.Family == flow.Destination.Family).ToList();
        var node = cluster.Node.Addresses.Where(address => address.Family == flow.Destination.Family).Select(address => (Address?)address).FirstOrDefault();
        return ranges.Count == 0
            || ranges.Exists(range => range.Length == 0 || range.Contains(flow.Client))
            || (node is { } own && ranges.Exists(range => range.Contains(own)) && service.LoadBalancerIPs.Contains(flow.Client));
    }

    private static string Chosen(AskedFlow flow, IEnumerable<Target> targets, bool isMasqueraded) =>
        FlowAnswer.Of(targets.Select(target => (target.Name, isMasqueraded || target.Address == flow.Client)));

    /// <summary>Ready or not: the endpoints of all slices, each once.</summary>
    private List<Target> TargetsOf(Candidate asked, IpFamily family)
    {
        Dictionary<string, Target> found = [];
        foreach (var slice in cluster.Slices.Values.Where(slice => slice.Service == asked.Service.Name && slice.Family == family).OrderBy(slice => slice.Name))
        {
            foreach (var port in slice.Ports.Where(port => port.Name == asked.Port.Name && port.Protocol == asked.Port.Protocol))
            {
                foreach (var endpoint in slice.Endpoints)
                {
                    var target = new Target(FlowAnswer.NameOf(endpoint.Address, port.Port), endpoint.Address, endpoint);
                    if (!endpoint.Conditions.HasFlag(EndpointConditions.Terminating) || !found.ContainsKey(target.Name))
                    {
                        found[target.Name] = target;
                    }
                }
            }
        }

        return [.. found.Values];
    }

    private static bool HasAny(List<Target> targets) => targets.Exists(target => target.IsReady || target.IsLastResort);

    private List<Target> Cluster(List<Target> targets)
    {
        var ready = targets.FindAll(target => target.IsReady);
        string node = cluster.Node.Name;
        string zone = cluster.Node.Zone;
        if (ready.Count > 0 && ready.TrueForAll(target => target.Nodes.Count > 0) && ready.Exists(target => target.Nodes.Contains(node)))
        {
            ready = ready.FindAll(target => target.Nodes.Contains(node));
        }
        else if (zone.Length > 0 && ready.TrueForAll(target => target.Zones.Count > 0) && ready.Exists(target => target.Zones.Contains(zone)))
        {
            ready = ready.FindAll(target => target.Zones.Contains(zone));
        }

        return ready.Count > 0 ? ready : targets.FindAll(target => target.IsLastResort);
    }

    private static List<Target> Local(List<Target> targets)
    {
        var local = targets.FindAll(target => target.Endpoint.IsLocal);
        var ready = local.FindAll(target => target.IsReady);
        return ready.Count > 0 ? ready : local.FindAll(target => target.IsLastResort);
    }
}
