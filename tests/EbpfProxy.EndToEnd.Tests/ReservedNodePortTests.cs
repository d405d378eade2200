using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.NodePortStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>The guard that keeps processes of the node from node ports.</summary>
public sealed class ReservedNodePortTests : IDisposable
{
    private const string Taken = "bind EADDRINUSE";
    private const string Bound = "bound";

    private readonly NodePortStage _stage = NodePortStage.With("--reserve-node-ports");

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Node_port_is_refused_to_the_node_and_to_nobody_else()
    {
        var host = _stage.Node.Host;
        foreach (string protocol in new[] { "tcp", "udp" })
        {
            Assert.All(
                [Node4, Node6, "0.0.0.0", "::", "::ffff:0.0.0.0", $"::ffff:{Node4}"],
                address => Assert.Equal(Taken, host.Bind(protocol, address, NodePort)));
            Assert.Equal(Bound, host.Bind(protocol, "::1", NodePort));
            Assert.Equal(Bound, host.Bind(protocol, "0.0.0.0", NodePort + 1));
            Assert.Equal(Bound, host.Bind(protocol, "0.0.0.0", 0));
            Assert.Equal(Bound, _stage.Client.Place.Bind(protocol, "0.0.0.0", NodePort));
        }

        // Loopback where it has node ports: 127.0.0.0/8 by TCP.
        Assert.Equal(Taken, host.Bind("tcp", "127.0.0.1", NodePort));
        Assert.Equal(Bound, host.Bind("udp", "127.0.0.1", NodePort));

        using var own = _stage.Client.Serve($"{NodePort}");
        Assert.All(_stage.Client.Place.Ask("tcp4", "127.0.0.1", NodePort), answer => Assert.Equal($"client/{NodePort}", answer.Name));
        Assert.All(_stage.Client.Place.Ask("tcp4", _stage.Client.IPv4, NodePort), answer => Assert.Equal($"client/{NodePort}", answer.Name));
    }

    [KernelFact]
    public void Guard_goes_with_its_setting()
    {
        Assert.Equal(Taken, _stage.Node.Host.Bind("tcp", "0.0.0.0", NodePort));

        _stage.Restart();

        Assert.Equal(Bound, _stage.Node.Host.Bind("tcp", "0.0.0.0", NodePort));
        Assert.DoesNotContain("bind", Shell.Require("bpftool cgroup show \"$1\"", _stage.Node.CgroupRoot), StringComparison.Ordinal);
    }
}
