using System.Net;
using System.Net.Sockets;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Options;

/// <summary>One thing about the settings that does not fit the node.</summary>
internal sealed record SanityProblem(string Message, bool IsFatal);

/// <summary>What can only be said when the node's primary family is known; in kube-proxy's words.</summary>
internal static class SanityRules
{
    /// <param name="options">What the daemon was told.</param>
    /// <param name="primary">The family of the node's first address.</param>
    /// <param name="isDualStack">Whether both families work on this node.</param>
    /// <param name="podPrefixes">The node's spec.podCIDRs.</param>
    public static IReadOnlyList<SanityProblem> Check(
        ProxyOptions options, IpFamily primary, bool isDualStack, IReadOnlyList<Prefix> podPrefixes)
    {
        var other = primary == IpFamily.IPv4 ? IpFamily.IPv6 : IpFamily.IPv4;
        string cluster = $"cluster is {primary}-{(isDualStack ? "primary" : "only")} but";
        var problems = new List<SanityProblem>(NodePorts(options, primary, podPrefixes));
        Add(IsAll(options.ClusterCidrs, other), "clusterCIDR contains only", isFatal: options.DetectLocalMode == DetectLocalMode.ClusterCidr && !isDualStack);
        Add(IsAll(podPrefixes, other), "node.spec.podCIDRs contains only", isFatal: options.DetectLocalMode == DetectLocalMode.NodeCidr);
        Add(FamilyOf(options.Unused.GetValueOrDefault("winkernel.sourceVip")) == other, "winkernel.sourceVip is", isFatal: false);
        if (!isDualStack)
        {
            Add(IsAll(PrefixesOf(options.Unused.GetValueOrDefault("ipvs.excludeCIDRs")), other), "ipvs.excludeCIDRs contains only", isFatal: false);
            Add(options.ServesHealthz && IsOther(options.Healthz.Address, other), "healthzBindAddress is", isFatal: false);
            Add(IsOther(options.Metrics.Address, other), "metricsBindAddress is", isFatal: false);
        }

        return problems;

        void Add(bool isWrong, string what, bool isFatal)
        {
            if (isWrong)
            {
                problems.Add(new SanityProblem($"{cluster} {what} {other}", isFatal));
            }
        }
    }

    private static IEnumerable<SanityProblem> NodePorts(ProxyOptions options, IpFamily primary, IReadOnlyList<Prefix> podPrefixes)
    {
        var families = options.NodePortAddresses.Select(prefix => prefix.Family).Distinct().ToList();
        bool isDualStackCluster = HasBoth(podPrefixes) || HasBoth(options.ClusterCidrs);
        if (families.Count == 0 && !options.AreNodePortsOnPrimary)
        {
            yield return new(
                "nodePortAddresses is unset; NodePort connections will be accepted on all local IPs. Consider using `--nodeport-addresses primary`",
                IsFatal: false);
        }
        else if (families.Count == 1 && (isDualStackCluster || families[0] != primary))
        {
            var open = families[0] == IpFamily.IPv4 ? IpFamily.IPv6 : IpFamily.IPv4;
            string cluster = isDualStackCluster ? "dual-stack" : $"{primary}-primary";
            yield return new(
                $"cluster appears to be {cluster} but nodePortAddresses contains only {families[0]} addresses; " +
                $"NodePort connections will be accepted on all local {open} IPs",
                IsFatal: false);
        }
    }

    private static bool HasBoth(IReadOnlyList<Prefix> prefixes) => prefixes.DistinctBy(prefix => prefix.Family).Count() == 2;

    private static bool IsAll(IReadOnlyList<Prefix> prefixes, IpFamily family) => prefixes.Count > 0 && prefixes.All(prefix => prefix.Family == family);

    private static bool IsOther(IPAddress address, IpFamily other) =>
        !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) && FamilyOf(address) == other;

    private static IpFamily? FamilyOf(object? text) => text is string written && IPAddress.TryParse(written, out var address) ? FamilyOf(address) : null;

    private static IpFamily FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? IpFamily.IPv4 : IpFamily.IPv6;

    private static IReadOnlyList<Prefix> PrefixesOf(object? list) =>
        [.. (list as IEnumerable<string> ?? []).Select(text => Prefix.TryParse(text, out var prefix) ? prefix : (Prefix?)null).OfType<Prefix>()];
}
