using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.NodePortStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>Node ports on every loopback address of the node, or on none.</summary>
public sealed class LocalhostNodePortTests : IDisposable
{
    private readonly NodePortStage _stage = NodePortStage.With("--localhost-node-ports=all");

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void All_of_loopback_has_node_ports_until_the_setting_is_taken_away()
    {
        AssertAnswer("tcp4", "127.0.0.1", "127.0.0.1");
        AssertAnswer("tcp6", "::1", "[::1]");
        AssertAnswer("tcp6", "::", "[::1]");
        AssertAnswer("udp4-connect", "127.0.0.1", "127.0.0.1");
        AssertAnswer("udp4-sendto", "0.0.0.0", "127.0.0.1");
        AssertAnswer("udp6-connect", "::1", "[::1]");
        AssertAnswer("udp6-connect", "::", "[::1]");
        AssertAnswer("udp6-sendto", "::", "[::1]");
        AssertAnswer("udp6-sendto", "127.0.0.1", "mapped:127.0.0.1");
        Assert.Equal("connect ECONNREFUSED", _stage.Client.Place.AskInVain("tcp6", "::1", NodePort));
        Assert.Equal("recv ECONNREFUSED", _stage.Client.Place.AskInVain("udp4-connect", "127.0.0.1", NodePort));

        _stage.Restart("--proxy-mode=nftables");

        Assert.Equal("connect ECONNREFUSED", _stage.Node.Host.AskInVain("tcp4", "127.0.0.1", NodePort));
        Assert.Equal("recv ECONNREFUSED", _stage.Node.Host.AskInVain("udp4-connect", "127.0.0.1", NodePort));
        Assert.NotEmpty(_stage.Node.Host.Ask("tcp4", Node4, NodePort));
    }

    private void AssertAnswer(string row, string address, string peer)
    {
        var answers = _stage.Node.Host.Ask(row, address, NodePort);

        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal($"{peer}:{NodePort}", answer.Peer));
        Assert.All(answers, answer => Assert.Matches("^[ab]/8080$", answer.Name));
    }
}
