using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.NodePortStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>Node ports, external IPs and load-balancer addresses, asked by sockets of the node.</summary>
public sealed class NodePortSocketTests(NodePortStage stage) : IClassFixture<NodePortStage>
{
    public static TheoryData<string, string, int, string> Rows => new()
    {
        { "tcp4", Node4, NodePort, $"{Node4}:{NodePort}" },
        { "tcp6", Node6, NodePort, $"[{Node6}]:{NodePort}" },
        { "tcp6", Node4, NodePort, $"mapped:{Node4}:{NodePort}" },
        { "udp4-connect", Node4, NodePort, $"{Node4}:{NodePort}" },
        { "udp6-connect", Node6, NodePort, $"[{Node6}]:{NodePort}" },
        { "udp4-sendto", Node4, NodePort, $"{Node4}:{NodePort}" },
        { "udp6-sendto", Node6, NodePort, $"[{Node6}]:{NodePort}" },
        { "tcp4", External4, Port, $"{External4}:{Port}" },
        { "tcp6", External6, Port, $"[{External6}]:{Port}" },
        { "udp4-sendto", External4, Port, $"{External4}:{Port}" },
        { "tcp4", Balancer4, Port, $"{Balancer4}:{Port}" },
        { "tcp6", Balancer6, Port, $"[{Balancer6}]:{Port}" },
        { "udp6-sendto", Balancer6, Port, $"[{Balancer6}]:{Port}" },
    };

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Pod_and_node_are_answered_by_a_backend(string row, string address, int port, string peer)
    {
        foreach (var place in new[] { stage.Client.Place, stage.Node.Host })
        {
            var answers = place.Ask(row, address, port);

            Assert.NotEmpty(answers);
            Assert.All(answers, answer => Assert.Equal(peer, answer.Peer));
            Assert.All(answers, answer => Assert.Matches("^[ab]/8080$", answer.Name));
        }
    }

    [KernelFact]
    public void Node_port_on_another_address_than_the_nodes_is_left_alone()
    {
        using var other = stage.Client.Serve($"{NodePort}");

        var answers = stage.Node.Host.Ask("tcp4", stage.Client.IPv4, NodePort);

        Assert.All(answers, answer => Assert.Equal(($"client/{NodePort}", $"{stage.Client.IPv4}:{NodePort}"), (answer.Name, answer.Peer)));
    }

    [KernelTheory]
    [InlineData("tcp4", "127.0.0.1", "127.0.0.1")]
    [InlineData("tcp4", "127.1.2.3", "127.1.2.3")]
    [InlineData("tcp6", "127.0.0.1", "mapped:127.0.0.1")]
    [InlineData("tcp4", "0.0.0.0", "127.0.0.1")]
    [InlineData("tcp6", "0.0.0.0", "mapped:127.0.0.1")]
    public void Node_itself_finds_node_ports_on_loopback(string row, string address, string peer)
    {
        var answers = stage.Node.Host.Ask(row, address, NodePort);

        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal($"{peer}:{NodePort}", answer.Peer));
        Assert.All(answers, answer => Assert.Matches("^[ab]/8080$", answer.Name));
    }

    [KernelTheory]
    [InlineData("tcp6", "::1", "connect ECONNREFUSED")]
    [InlineData("tcp6", "::", "connect ECONNREFUSED")]
    [InlineData("udp4-connect", "127.0.0.1", "recv ECONNREFUSED")]
    public void Other_loopback_than_kube_proxys_has_no_node_ports_by_default(string row, string address, string failure)
    {
        Assert.Equal(failure, stage.Node.Host.AskInVain(row, address, NodePort));
    }

    [KernelTheory]
    [InlineData("tcp4", "127.0.0.1", "127.0.0.1")]
    [InlineData("tcp4", "0.0.0.0", "127.0.0.1")]
    [InlineData("tcp6", "::1", "[::1]")]
    public void Loopback_of_a_pod_is_its_own(string row, string address, string peer)
    {
        Assert.Equal("connect ECONNREFUSED", stage.Client.Place.AskInVain(row, address, NodePort));

        using var own = stage.Client.Serve($"{NodePort}");
        var answers = stage.Client.Place.Ask(row, address, NodePort);

        Assert.All(answers, answer => Assert.Equal(($"client/{NodePort}", $"{peer}:{NodePort}"), (answer.Name, answer.Peer)));
    }

    [KernelFact]
    public void Unspecified_address_is_the_one_that_the_socket_is_bound_to()
    {
        string[] lines = stage.Node.Host.AskFrom("tcp", Node4, "0.0.0.0", NodePort);

        var answer = ProbeClient.ToAnswer(Assert.Single(lines));
        Assert.Matches("^[ab]/8080$", answer.Name);
        Assert.Equal($"{Node4}:{NodePort}", answer.Peer);
        Assert.StartsWith($"mapped:{Node4}:", answer.Client, StringComparison.Ordinal);
    }

    [KernelTheory]
    [InlineData("127.0.0.1")]
    [InlineData("0.0.0.0")]
    public void Socket_that_is_bound_to_loopback_is_left_to_loopback(string address)
    {
        string[] lines = stage.Node.Host.AskFrom("tcp", "127.0.0.1", address, NodePort);

        Assert.Equal(["error call=connect errno=ECONNREFUSED"], lines);
    }

    [KernelFact]
    public void Socket_that_is_bound_to_an_address_of_the_node_finds_node_ports_on_loopback()
    {
        string[] lines = stage.Node.Host.AskFrom("tcp", Node4, "127.0.0.1", NodePort);

        Assert.Matches("^[ab]/8080$", ProbeClient.ToAnswer(Assert.Single(lines)).Name);
    }
}
