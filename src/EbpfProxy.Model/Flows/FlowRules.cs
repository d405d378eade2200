using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Model.Flows;

/// <summary>Where the client of a flow is.</summary>
public enum ClientPlace : byte
{
    /// <summary>Outside the node: another machine, or a pod of another node.</summary>
    Elsewhere,

    /// <summary>A pod of this node.</summary>
    LocalPod,

    /// <summary>The node itself, or a pod in its network.</summary>
    Node,
}

/// <summary>What the configuration says about the address that a backend sees.</summary>
/// <param name="TellsLocalPodsOfIPv4">Whether pods of this node can be told from others by an IPv4 packet; if not, they are clients like any.</param>
/// <param name="TellsLocalPodsOfIPv6">The same for IPv6: where prefixes tell them, there may be one of one family alone.</param>
/// <param name="MasqueradesAll">Whether everything that is sent to a cluster IP is masqueraded.</param>
public readonly record struct MasqueradeRules(bool TellsLocalPodsOfIPv4, bool TellsLocalPodsOfIPv6, bool MasqueradesAll)
{
    /// <summary>Whether pods of this node can be told from others by a packet of a family.</summary>
    public bool TellsLocalPodsOf(IpFamily family) => family == IpFamily.IPv4 ? TellsLocalPodsOfIPv4 : TellsLocalPodsOfIPv6;
}

/// <summary>What the first packet of a flow gets.</summary>
/// <param name="Verdict">The set to choose a backend of, or why there is none.</param>
/// <param name="IsMasqueraded">Whether the backend sees an address of the node, whichever backend it is.</param>
public readonly record struct FlowVerdict(Verdict Verdict, bool IsMasqueraded);

/// <summary>The rules for the first packet of a flow to a frontend: what the programs in the kernel do, as a pure function.</summary>
public static class FlowRules
{
    /// <param name="service">The service that the frontend is of.</param>
    /// <param name="frontend">What was asked.</param>
    /// <param name="client">Who asked.</param>
    /// <param name="place">Where that is.</param>
    /// <param name="rules">The configuration.</param>
    public static FlowVerdict For(PortTables service, Frontend frontend, Address client, ClientPlace place, MasqueradeRules rules)
    {
        if (frontend.HasSourceRanges && !service.SourceRanges.Any(range => range.Contains(client)))
        {
            return new FlowVerdict(Verdict.Drop, IsMasqueraded: false);
        }

        bool tellsLocalPods = rules.TellsLocalPodsOf(client.Family);
        var known = place == ClientPlace.LocalPod && !tellsLocalPods ? ClientPlace.Elsewhere : place;
        if (frontend.Kind == FrontendKind.ClusterIP)
        {
            bool isKnownStranger = tellsLocalPods && known != ClientPlace.LocalPod;
            return new FlowVerdict(service.Verdicts.Internal, rules.MasqueradesAll || isKnownStranger);
        }

        bool isLocalPolicy = service.Verdicts.External != Verdict.Cluster;
        return known switch
        {
            ClientPlace.Elsewhere => new FlowVerdict(service.Verdicts.External, !isLocalPolicy),
            ClientPlace.LocalPod => new FlowVerdict(service.Verdicts.ExternalNear, !isLocalPolicy),
            ClientPlace.Node => new FlowVerdict(service.Verdicts.ExternalNear, IsMasqueraded: true),
        };
    }

    /// <summary>
    /// Whether a backend would see its own address as the client's and answer itself: such a flow is masqueraded whatever
    /// the <see cref="FlowVerdict"/> says.
    /// </summary>
    public static bool IsHairpin(Address client, Backend backend) => client == backend.Address;
}
