using EbpfProxy.Datapath.Conntrack;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>Finds the flows that the kernel's connection tracking still translates as rules of kube-proxy said.</summary>
internal static class TranslatedFlows
{
    /// <summary>
    /// Those that were sent to another destination and are not over. What asked an address of the node is of a service only where that
    /// is a frontend: else it is a host port of a CNI.
    /// </summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static IReadOnlyList<TrackedFlow> Find(IReadOnlySet<Address> local, Func<Address, ushort, Protocol, bool> isFrontend)
    {
        if (!ConntrackNetlink.HasEntries())
        {
            return [];
        }

        using var conntrack = new ConntrackNetlink();
        return
        [
            .. new[] { IpFamily.IPv4, IpFamily.IPv6 }
                .SelectMany(conntrack.FindTranslated)
                .Where(flow => !(local.Contains(flow.Asked) || flow.Asked.IsLoopback) || isFrontend(flow.Asked, flow.AskedPort, flow.Protocol)),
        ];
    }
}
