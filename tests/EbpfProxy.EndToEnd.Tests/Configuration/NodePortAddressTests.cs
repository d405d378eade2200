using System.Globalization;
using System.Text.RegularExpressions;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.NodePortStage;

namespace EbpfProxy.EndToEnd.Tests.Configuration;

/// <summary>Which addresses of the node answer on node ports, and when.</summary>
public sealed partial class NodePortAddressTests
{
    private const string New4 = "10.9.9.9";
    private const string New6 = "fd00:9::9";

    [KernelTheory]
    [InlineData("", true, true)]
    [InlineData("--nodeport-addresses=10.9.0.0/16", true, true)] // IPv6 has no prefix: all of it
    [InlineData("--nodeport-addresses=10.9.0.0/16,fd00:10::/32", true, false)]
    [InlineData("--nodeport-addresses=10.244.0.0/16,::/0", false, true)]
    [InlineData("--nodeport-addresses=primary --node-ip=10.244.1.1,fd00:10:244:1::1", false, false)]
    [InlineData("--proxy-mode=nftables --node-ip=10.244.1.1,fd00:10:244:1::1", false, false)]
    [InlineData("--proxy-mode=ebpf --node-ip=10.9.9.9,fd00:9::9", true, true)]
    public void A_new_address_answers_at_once_where_the_setting_covers_it(string flags, bool is4, bool is6)
    {
        using var stage = NodePortStage.With(flags.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Eventually.Holds(() => AddressesOf(stage) > 0, TimeSpan.FromSeconds(30));
        int before = AddressesOf(stage);

        Shell.Require(
            "ip -n \"$1\" addr add 10.9.9.9/32 dev br0 && ip -n \"$1\" addr add fd00:9::9/128 dev br0 nodad", stage.Node.Network.Name);
        Eventually.Holds(() => AddressesOf(stage) >= before + 2, TimeSpan.FromSeconds(30));

        AssertSoon(stage, "tcp4", New4, is4);
        AssertSoon(stage, "tcp6", New6, is6);

        Shell.Require(
            "ip -n \"$1\" addr del 10.9.9.9/32 dev br0 && ip -n \"$1\" addr del fd00:9::9/128 dev br0", stage.Node.Network.Name);

        AssertSoon(stage, "tcp4", New4, answers: false);
        AssertSoon(stage, "tcp6", New6, answers: false);
    }

    [KernelFact]
    public void An_address_that_only_neighbours_know_answers_where_all_do()
    {
        using var stage = NodePortStage.With();

        Shell.Require("ip -n \"$1\" addr add 169.254.7.7/16 dev br0 scope link", stage.Node.Network.Name);

        AssertSoon(stage, "tcp4", "169.254.7.7", answers: true);
    }

    [KernelFact]
    public void External_IPs_are_nobodys_where_the_gate_takes_them_away()
    {
        using var stage = NodePortStage.With("--feature-gates=AllowServiceExternalIPs=false");

        Assert.NotEmpty(stage.Client.Place.Ask("tcp4", Balancer4, Port));
        Assert.False(IsAnswered(stage.Client.Place, "tcp4", External4, Port));
        Assert.False(IsAnswered(stage.Client.Place, "tcp6", External6, Port));
    }

    /// <summary>How many addresses of the node the daemon has written, by what it told last.</summary>
    private static int AddressesOf(NodePortStage stage) => stage.Proxy.Log
        .Select(line => AddressesPattern().Match(line))
        .Where(match => match.Success)
        .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))
        .LastOrDefault();

    [GeneratedRegex(@"The node has \d+ devices with (\d+) addresses")]
    private static partial Regex AddressesPattern();

    private static void AssertSoon(NodePortStage stage, string row, string address, bool answers)
    {
        foreach (var place in new[] { stage.Node.Host, stage.Client.Place })
        {
            Eventually.Holds(() => IsAnswered(place, row, address, NodePort) == answers, TimeSpan.FromSeconds(10));
        }
    }

    private static bool IsAnswered(Place place, string row, string address, int port) =>
        place.Probe("ask", row, address, $"{port}").All(line => line.StartsWith("answer ", StringComparison.Ordinal));
}
