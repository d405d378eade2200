using EbpfProxy.Model.Flows;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>What there is of kube-proxy on this node at one time.</summary>
/// <param name="Running">How it is known that one runs, in words; null where none is seen.</param>
/// <param name="SeesNode">Whether the processes of the node are seen at all.</param>
/// <param name="Parts">What it has in the kernel, in the order in which it goes.</param>
/// <param name="Flows">The flows that connection tracking still translates for it.</param>
/// <param name="IpvsConnections">How many connections IPVS still has for it.</param>
public sealed record KubeProxyFindings(
    string? Running, bool SeesNode, IReadOnlyList<KubeProxyPart> Parts, IReadOnlyList<TrackedFlow> Flows, long IpvsConnections)
{
    /// <summary>Why what it has in the kernel stays, in words; null where it can go.</summary>
    /// <param name="isServed">Whether a daemon of ours keeps the services of this node.</param>
    /// <param name="atOnce">Whether to go on without those flows that live.</param>
    public string? ReasonToStay(bool isServed, bool atOnce) => (Running, isServed, LiveFlows) switch
    {
        (null, _, _) when !SeesNode => "a kube-proxy may run on this node: its processes are not seen from here, name their folder with --host-proc",
        ({ } running, _, _) => $"a kube-proxy runs on this node ({running}) and would write it again",
        (_, false, _) => "no daemon of ebpf-proxy keeps the services of this node",
        (_, _, > 0 and var count) when !atOnce => $"{count} flows go by it until they end",
        _ => null,
    };

    /// <summary>How many flows would lose whom they go to if it were taken away.</summary>
    public long LiveFlows => Math.Max(Flows.Count, IpvsConnections);
}
