using EbpfProxy.Model.Network;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

/// <summary>The table of reference CF-4, in both stacks: "-" nothing, "err" told, "fatal" told and the end.</summary>
public sealed class SanityRulesTests
{
    private const string Primary = "nodePortAddresses: [primary]\n";

    [Theory]
    [InlineData("", "", "-", "-")]
    [InlineData("clusterCIDR: 10.244.0.0/16", "10.244.1.0/24", "-", "-")]
    [InlineData("clusterCIDR: \"fd00::/48,10.244.0.0/16\"", "fd00:1::/64,10.244.1.0/24", "-", "-")]
    [InlineData("clusterCIDR: fd00::/48\ndetectLocalMode: NodeCIDR", "", "err", "err")]
    [InlineData("clusterCIDR: fd00::/48\ndetectLocalMode: ClusterCIDR", "", "fatal", "err")]
    [InlineData("clusterCIDR: fd00::/48", "", "fatal", "err")]
    [InlineData("detectLocalMode: NodeCIDR", "fd00:1::/64", "fatal", "fatal")]
    [InlineData("", "fd00:1::/64", "err", "err")]
    [InlineData("winkernel: {sourceVip: \"fd00::1\"}", "", "err", "err")]
    [InlineData("winkernel: {sourceVip: 10.0.0.1}", "", "-", "-")]
    [InlineData("metricsBindAddress: \"[fd00::1]:10249\"", "", "err", "-")]
    [InlineData("metricsBindAddress: \"[::]:10249\"", "", "-", "-")]
    [InlineData("healthzBindAddress: \"[fd00::1]:10256\"", "", "err", "-")]
    [InlineData("healthzBindAddress: \"[::]:10256\"", "", "-", "-")]
    [InlineData("ipvs: {excludeCIDRs: [\"fd00::/48\"]}", "", "err", "-")]
    [InlineData("ipvs: {excludeCIDRs: [\"fd00::/48\", 10.0.0.0/8]}", "", "-", "-")]
    public void A_family_that_does_not_fit_is_told_or_the_end(string yaml, string podPrefixes, string alone, string dual)
    {
        Assert.Equal(alone, Verdict(Check(Primary + yaml, podPrefixes, isDualStack: false)));
        Assert.Equal(dual, Verdict(Check(Primary + yaml, podPrefixes, isDualStack: true)));
    }

    [Theory]
    [InlineData("", "", "nodePortAddresses is unset")]
    [InlineData("mode: ipvs", "", "nodePortAddresses is unset")]
    [InlineData("mode: nftables", "", "")]
    [InlineData("mode: ebpf", "", "")]
    [InlineData("nodePortAddresses: [primary]", "", "")]
    [InlineData("nodePortAddresses: [10.0.0.0/8]", "", "")]
    [InlineData("nodePortAddresses: [10.0.0.0/8]\nclusterCIDR: \"10.244.0.0/16,fd00::/48\"", "", "cluster appears to be dual-stack but nodePortAddresses contains only IPv4")]
    [InlineData("nodePortAddresses: [10.0.0.0/8]", "10.244.1.0/24,fd00:1::/64", "cluster appears to be dual-stack but nodePortAddresses contains only IPv4")]
    [InlineData("nodePortAddresses: [10.0.0.0/8, \"fd00::/8\"]", "10.244.1.0/24,fd00:1::/64", "")]
    [InlineData("nodePortAddresses: [\"fd00::/8\"]", "", "cluster appears to be IPv4-primary but nodePortAddresses contains only IPv6")]
    public void Node_ports_on_more_addresses_than_one_may_think_are_told(string yaml, string podPrefixes, string expected)
    {
        var problems = Check(yaml, podPrefixes, isDualStack: true);

        Assert.Equal(expected.Length == 0 ? 0 : 1, problems.Count);
        Assert.All(problems, problem => Assert.StartsWith(expected, problem.Message, StringComparison.Ordinal));
        Assert.All(problems, problem => Assert.False(problem.IsFatal));
    }

    private static string Verdict(IReadOnlyList<SanityProblem> problems) =>
        problems.Any(problem => problem.IsFatal) ? "fatal" : problems.Count > 0 ? "err" : "-";

    private static IReadOnlyList<SanityProblem> Check(string yaml, string podPrefixes, bool isDualStack)
    {
        var problems = new Problems();
        var options = ConfigurationFile.Parse(
            $"apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{yaml}", new ProxyOptions(), problems);
        Assert.Empty(problems.Errors);
        return SanityRules.Check(
            options,
            IpFamily.IPv4,
            isDualStack,
            [.. podPrefixes.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(text => Prefix.TryParse(text, out var prefix) ? prefix : default)]);
    }
}
