using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>Two nodes, each with a daemon of its own, and a machine outside.</summary>
public sealed class ClusterTests : IDisposable
{
    private const string Address = "10.96.0.10";

    private readonly TestCluster _cluster = new();

    public void Dispose() => _cluster.Dispose();

    [KernelFact]
    public void Two_nodes_keep_separate_backends_for_the_same_service_address()
    {
        using var first = Start(_cluster.First, "a", out var client);
        using var second = Start(_cluster.Second, "b", out var otherClient);

        var ofFirst = client.Place.Spread("tcp", Address, 80, 100);
        var ofSecond = otherClient.Place.Spread("tcp", Address, 80, 100);
        second.Kill();
        int cleanup = _cluster.Second.Command("cleanup").ExitCode;

        Assert.Equal(0, cleanup);
        Assert.Equal(["a/8080"], ofFirst.Keys);
        Assert.Equal(["b/8080"], ofSecond.Keys);
        Assert.Equal(["a/8080"], client.Place.Spread("tcp", Address, 80, 100).Keys);
    }

    [KernelTheory]
    [InlineData("tcp4", "10.244.1.10")]
    [InlineData("udp4-sendto", "10.244.1.10")]
    [InlineData("tcp6", "fd00:10:244:1::a")]
    [InlineData("udp6-connect", "fd00:10:244:1::a")]
    public void Backend_on_the_other_node_answers(string row, string client)
    {
        var pod = _cluster.First.AddPod("client");
        var backend = _cluster.Second.AddPod("far");
        using var server = backend.Serve("8080");
        bool isIPv6 = client.Contains(':', StringComparison.Ordinal);
        string address = isIPv6 ? "fd00:96::10" : Address;
        _cluster.First.Manifests.Write(new ManifestService("web", address, 80, 8080, isIPv6 ? backend.IPv6 : backend.IPv4));
        using var proxy = _cluster.First.StartProxy();

        var answers = pod.Place.Ask(row, address, 80);

        Assert.All(answers, answer => Assert.Equal("far/8080", answer.Name));
        Assert.All(answers, answer => Assert.Contains(client, answer.Client, StringComparison.Ordinal));
        Assert.All(answers, answer => Assert.Contains(address, answer.Peer, StringComparison.Ordinal));
    }

    [KernelFact]
    public void Client_outside_reaches_pods_as_if_there_were_no_proxy()
    {
        using var proxy = Start(_cluster.First, "a", out _);

        var answers = _cluster.Outside.Ask("tcp4", "10.244.1.11", 8080);

        Assert.All(answers, answer => Assert.Equal("a/8080", answer.Name));
        Assert.All(answers, answer => Assert.Equal("10.244.1.11:8080", answer.Peer));
        Assert.Equal("connect ENETUNREACH", _cluster.Outside.AskInVain("tcp4", Address, 80));
    }

    private static NodeProxy Start(TestNode node, string name, out Pod client)
    {
        client = node.AddPod("client");
        var backend = node.AddPod(name);
        backend.Serve("8080");
        node.Manifests.Write(new ManifestService("web", Address, 80, 8080, backend.IPv4));
        return node.StartProxy();
    }
}
