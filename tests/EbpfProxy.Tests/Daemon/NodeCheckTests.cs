using System.Net;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Daemon;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Options;
using Microsoft.Extensions.Time.Testing;

namespace EbpfProxy.Tests.Daemon;

public sealed class NodeCheckTests : IDisposable
{
    private static readonly ProxyOptions _quiet = new() { NodePortsOnPrimary = true };

    private readonly FakeTimeProvider _time = new();
    private readonly LogLines _log = new();
    private readonly ClusterCache _cache = new(new NoListener());

    public void Dispose() => _cache.Dispose();

    [Theory]
    [InlineData("0", true, true)]
    [InlineData("1", true, false)]
    [InlineData(null, true, true)]
    [InlineData("0", false, false)]
    public void IPv6_is_there_unless_the_kernel_has_none_or_it_is_switched_off(string? disabled, bool hasTable, bool expected)
    {
        string proc = Directory.CreateTempSubdirectory("proc-").FullName;
        try
        {
            string settings = Directory.CreateDirectory(Path.Combine(proc, "sys/net/ipv6/conf/all")).FullName;
            Directory.CreateDirectory(Path.Combine(proc, "net"));
            if (hasTable)
            {
                File.WriteAllText(Path.Combine(proc, "net/if_inet6"), "");
            }

            if (disabled is not null)
            {
                File.WriteAllText(Path.Combine(settings, "disable_ipv6"), disabled + "\n");
            }

            Assert.Equal(expected, NodeCheck.HasIPv6(proc));
        }
        finally
        {
            Directory.Delete(proc, recursive: true);
        }
    }

    [Theory]
    [InlineData("fd00::1 10.0.0.1", "0.0.0.0", false, "no support for primary IP family \"IPv6\"")]
    [InlineData("10.0.0.1", "fd00::1", false, "no support for primary IP family \"IPv6\"")]
    [InlineData("10.0.0.1 fd00::1", "::", false, null)]
    [InlineData("fd00::1", "0.0.0.0", true, null)]
    [InlineData("fd00::1", "10.0.0.1", false, null)]
    public async Task A_primary_family_that_the_kernel_has_not_is_the_end(string addresses, string bind, bool hasIPv6, string? expected)
    {
        _cache.SetNode(Node(addresses));

        var error = await Record.ExceptionAsync(() => RunAsync(_quiet with { BindAddress = IPAddress.Parse(bind) }, hasIPv6));

        Assert.Equal(expected, error?.Message);
    }

    [Fact]
    public async Task A_node_without_an_address_is_waited_for_and_then_done_without()
    {
        var start = _time.GetUtcNow();
        var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

        var check = RunAsync(_quiet, hasIPv6: true);
        while (!check.IsCompleted)
        {
            limit.ThrowIfCancellationRequested();
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(check, Task.Delay(TimeSpan.FromMilliseconds(5), limit));
        }

        await check;
        Assert.True(_time.GetUtcNow() - start >= TimeSpan.FromSeconds(30));
        Assert.Contains("assuming 127.0.0.1; if this is incorrect, please set the --bind-address flag", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_of_the_wrong_family_are_the_end_where_no_pod_would_be_local()
    {
        _cache.SetNode(Node("10.0.0.1") with { PodPrefixes = [new Prefix(Ip("fd00:1::"), 64)] });

        var error = await Record.ExceptionAsync(() => RunAsync(_quiet with { DetectLocalMode = DetectLocalMode.NodeCidr }, hasIPv6: true));

        Assert.Equal("kube-proxy configuration is incorrect: cluster is IPv4-primary but node.spec.podCIDRs contains only IPv6", error?.Message);
        Assert.StartsWith("Warning: Kube-proxy configuration may be incomplete or incorrect: ", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    private async Task RunAsync(ProxyOptions options, bool hasIPv6)
    {
        using var check = new NodeCheck(options, _cache, () => NodeNetwork.Empty, hasIPv6, _time, _log);
        await check.StartAsync(CancellationToken.None);
        await check.ExecuteTask!;
    }

    private static ClusterNode Node(string addresses) =>
        new("n", "", [.. addresses.Split(' ').Select(Ip)], IsDeleted: false, IsLeaving: false);

    private static Address Ip(string text) => Address.From(IPAddress.Parse(text));
}
