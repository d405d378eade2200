using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>Every way in which a program can ask a service.</summary>
public sealed class SocketRowTests(ServiceStage stage) : IClassFixture<ServiceStage>
{
    /// <summary>The way to ask, the service, and whom the socket must believe to talk to.</summary>
    public static TheoryData<string, string, string> Rows => new()
    {
        { "tcp4", Web4, "10.96.0.10:80" },
        { "tcp6", Web6, "[fd00:96::10]:80" },
        { "tcp6", Web4, "mapped:10.96.0.10:80" },
        { "udp4-connect", Web4, "10.96.0.10:80" },
        { "udp6-connect", Web6, "[fd00:96::10]:80" },
        { "udp6-connect", Web4, "mapped:10.96.0.10:80" },
        { "udp6-connect-inet", Web4, "mapped:10.96.0.10:80" },
        { "udp4-sendto", Web4, "10.96.0.10:80" },
        { "udp6-sendto", Web6, "[fd00:96::10]:80" },
        { "udp6-sendto", Web4, "mapped:10.96.0.10:80" },
        { "udp6-sendto-inet", Web4, "mapped:10.96.0.10:80" },
        { "tcp4-again", Web4, "10.96.0.10:80" },
        { "tcp6-again", Web6, "[fd00:96::10]:80" },
        { "tcp6-again", Web4, "mapped:10.96.0.10:80" },
        { "udp4-again", Web4, "10.96.0.10:80" },
        { "udp6-again", Web6, "[fd00:96::10]:80" },
        { "udp6-again", Web4, "mapped:10.96.0.10:80" },
        { "tcp4-fastopen-connect", Web4, "10.96.0.10:80" },
        { "tcp6-fastopen-connect", Web6, "[fd00:96::10]:80" },
        { "tcp6-fastopen-connect", Web4, "mapped:10.96.0.10:80" },
        { "tcp4-fastopen-sendto", Web4, "10.96.0.10:80" },
        { "tcp6-fastopen-sendto", Web6, "[fd00:96::10]:80" },
        { "tcp6-fastopen-sendto", Web4, "mapped:10.96.0.10:80" },
    };

    /// <summary>The same for what a kernel may be built without.</summary>
    public static TheoryData<string, string, string> OptionalRows => new()
    {
        { "tcp4-uring", Web4, "10.96.0.10:80" },
        { "tcp6-uring", Web6, "[fd00:96::10]:80" },
        { "tcp6-uring", Web4, "mapped:10.96.0.10:80" },
        { "udp4-uring", Web4, "10.96.0.10:80" },
    };

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Pod_gets_an_answer_that_seems_to_come_from_the_service(string row, string address, string peer)
    {
        var answers = stage.Client.Place.Ask(row, address, Port);

        AssertFromBackend(answers, stage.Client, peer);
    }

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Process_of_the_node_gets_an_answer_that_seems_to_come_from_the_service(string row, string address, string peer)
    {
        var answers = stage.Node.Host.Ask(row, address, Port);

        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal(peer, answer.Peer));
        Assert.All(answers, answer => Assert.Matches("^[abc]/8080$", answer.Name));
    }

    [KernelTheory]
    [MemberData(nameof(OptionalRows))]
    public void Pod_gets_an_answer_over_what_its_kernel_may_lack(string row, string address, string peer)
    {
        string[] lines = stage.Client.Place.Probe("ask", row, address, $"{Port}");
        Assert.SkipWhen(lines[0].StartsWith("unsupported", StringComparison.Ordinal), $"{lines[0]} on this kernel");

        AssertFromBackend([.. lines.Select(ProbeClient.ToAnswer)], stage.Client, peer);
    }

    [KernelTheory]
    [InlineData("mptcp4", Web4)]
    [InlineData("mptcp6", Web6)]
    [InlineData("mptcp6", Web4)]
    public void Multipath_socket_gets_an_answer_and_is_told_the_backend_as_its_peer(string row, string address)
    {
        string[] lines = stage.Client.Place.Probe("ask", row, address, $"{Port}");
        Assert.SkipWhen(lines[0].StartsWith("unsupported", StringComparison.Ordinal), $"{lines[0]} on this kernel");

        // The hook that connects sees a subflow, the one that tells the peer the socket above it: they cannot find each other.
        Assert.All(lines.Select(ProbeClient.ToAnswer), answer =>
        {
            Assert.Matches("^[abc]/8080$", answer.Name);
            Assert.EndsWith($":{BackendPort}", answer.Peer, StringComparison.Ordinal);
        });
    }

    [KernelTheory]
    [InlineData("udp4-connect", Web4)]
    [InlineData("udp6-connect", Web6)]
    [InlineData("udp6-connect", Web4)]
    [InlineData("udp6-connect-inet", Web4)]
    [InlineData("tcp4", Web4)]
    public void Connected_socket_stays_with_one_backend(string row, string address)
    {
        for (int i = 0; i < 10; i++)
        {
            var answers = stage.Client.Place.Ask(row, address, Port);

            Assert.Equal(3, answers.Length);
            Assert.Single(answers.Select(answer => answer.Name).Distinct());
        }
    }

    [KernelTheory]
    [InlineData("udp4-again", "10.96.0.10:80", "10.244.1.11:8080")]
    [InlineData("udp6-again", "mapped:10.96.0.10:80", "mapped:10.244.1.11:8080")]
    [InlineData("udp4-sendto", "10.96.0.10:80", "10.244.1.11:8080")]
    [InlineData("udp6-sendto", "mapped:10.96.0.10:80", "mapped:10.244.1.11:8080")]
    [InlineData("udp6-sendto-inet", "mapped:10.96.0.10:80", "mapped:10.244.1.11:8080")]
    [InlineData("tcp4-again", "10.96.0.10:80", "10.244.1.11:8080")]
    public void Socket_that_turns_to_a_backend_itself_sees_the_backend(string row, string first, string second)
    {
        // The service has three backends: each is met after a few tries.
        for (int i = 0; i < 12; i++)
        {
            var answers = stage.Client.Place.Ask(row, (Web4, Port), (stage.A.IPv4, BackendPort));

            Assert.Equal([first, second], answers.Select(answer => answer.Peer));
            Assert.Equal("a/8080", answers[1].Name);
        }
    }

    [KernelTheory]
    [InlineData(4, "10.96.1.{0}", "10.96.1.{0}:80")]
    [InlineData(6, "fd00:96::1:{0}", "[fd00:96::1:{0}]:80")]
    [InlineData(6, "10.96.1.{0}", "mapped:10.96.1.{0}:80")]
    public void Unconnected_socket_hears_each_of_sixteen_services_under_its_own_name(int family, string address, string peer)
    {
        const int services = 16;
        WriteNeighbours(services);
        string Format(string text, int number) => string.Format(System.Globalization.CultureInfo.InvariantCulture, text, number);

        var answers = stage.Client.Place.AskMany(family, Enumerable.Range(10, services).Select(i => (Format(address, i), Port)));

        Assert.Equal(services, answers.Length);
        Assert.All(answers, answer =>
        {
            int number = 10 + int.Parse(answer.Name.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture) - 9000;
            Assert.Equal(Format(peer, number), answer.Peer);
        });
    }

    [KernelFact]
    public void Seventeenth_service_of_an_unconnected_socket_is_counted()
    {
        WriteNeighbours(17);
        double before = stage.Proxy.Events("peer_overflow");

        var answers = stage.Client.Place.AskMany(4, Enumerable.Range(10, 17).Select(i => ($"10.96.1.{i}", Port)));

        Assert.Equal(17, answers.Length);
        Assert.Equal(before + 1, stage.Proxy.Events("peer_overflow"));
    }

    /// <summary>Services whose backends are ports of their own, so that an answer tells which service was asked.</summary>
    private void WriteNeighbours(int count)
    {
        foreach (int i in Enumerable.Range(0, count))
        {
            stage.Node.Manifests.Write(
                new("near-" + i, $"10.96.1.{10 + i}", Port, 9000 + i, stage.Backends.Select(pod => pod.IPv4)),
                new("near6-" + i, $"fd00:96::1:{10 + i}", Port, 9000 + i, stage.Backends.Select(pod => pod.IPv6)));
        }

        // Those of one change are written one after the other, in no order that one could know.
        foreach (int i in Enumerable.Range(0, count))
        {
            stage.WaitForService($"near-{i}", ports: 2);
            stage.WaitForService($"near6-{i}", ports: 2);
        }
    }

    private static void AssertFromBackend(Answer[] answers, Pod client, string peer)
    {
        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal(peer, answer.Peer));
        Assert.All(answers, answer => Assert.Matches("^[abc]/8080$", answer.Name));

        // Nobody stands between: the backend sees the pod itself.
        string own = peer.StartsWith('[') ? $"[{client.IPv6}]:" : $"mapped:{client.IPv4}:";
        Assert.All(answers, answer => Assert.StartsWith(own, answer.Client, StringComparison.Ordinal));
    }
}
