using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>What services promise to every client.</summary>
public sealed class ServiceTests(ServiceStage stage) : IClassFixture<ServiceStage>
{
    [KernelTheory]
    [InlineData("tcp", Web4)]
    [InlineData("udp", Web4)]
    [InlineData("tcp", Web6)]
    [InlineData("udp", Web6)]
    public void Connections_spread_evenly_over_all_backends(string protocol, string address)
    {
        const int picks = 10_000;

        var spread = stage.Client.Place.Spread(protocol, address, Port, picks);

        Assert.Equal(["a/8080", "b/8080", "c/8080"], spread.Keys.Order());
        Assert.Equal(picks, spread.Values.Sum());
        AssertEven([.. spread.Values]);
    }

    [KernelTheory]
    [InlineData("tcp4", Empty4, "connect ECONNREFUSED")]
    [InlineData("tcp6", Empty6, "connect ECONNREFUSED")]
    [InlineData("tcp6", Empty4, "connect ECONNREFUSED")]
    [InlineData("udp4-connect", Empty4, "connect ECONNREFUSED")]
    [InlineData("udp6-connect", Empty6, "connect ECONNREFUSED")]
    [InlineData("udp6-connect", Empty4, "connect ECONNREFUSED")]
    [InlineData("udp6-connect-inet", Empty4, "connect ECONNREFUSED")]
    [InlineData("udp4-sendto", Empty4, "sendto ECONNREFUSED")]
    [InlineData("udp6-sendto", Empty6, "sendto ECONNREFUSED")]
    [InlineData("udp6-sendto", Empty4, "sendto ECONNREFUSED")]
    [InlineData("udp6-sendto-inet", Empty4, "sendto ECONNREFUSED")]
    public void Service_without_endpoints_refuses(string row, string address, string failure)
    {
        double before = stage.Proxy.Events("no_endpoint");

        string seen = stage.Client.Place.AskInVain(row, address, Port);

        Assert.Equal(failure, seen);
        Assert.Equal(before + 1, stage.Proxy.Events("no_endpoint"));
    }

    [KernelTheory]
    [InlineData("tcp4", Web4, "connect ECONNREFUSED")]
    [InlineData("tcp6", Web6, "connect ECONNREFUSED")]
    [InlineData("udp4-connect", Web4, "connect ECONNREFUSED")]
    [InlineData("udp6-sendto", Web6, "sendto ECONNREFUSED")]
    [InlineData("udp6-sendto", Web4, "sendto ECONNREFUSED")]
    public void Port_that_the_cluster_IP_does_not_have_refuses(string row, string address, string failure)
    {
        double before = stage.Proxy.Events("unknown_port");

        string seen = stage.Client.Place.AskInVain(row, address, 81);

        Assert.Equal(failure, seen);
        Assert.Equal(before + 1, stage.Proxy.Events("unknown_port"));
    }

    [KernelFact]
    public void Backend_that_is_asked_by_its_own_address_answers_under_it()
    {
        var answers = stage.Client.Place.Ask("tcp4", stage.A.IPv4, BackendPort);

        Assert.All(answers, answer => Assert.Equal(("a/8080", $"{stage.A.IPv4}:{BackendPort}"), (answer.Name, answer.Peer)));
    }

    [KernelFact]
    public void Traffic_follows_the_endpoints_of_an_edited_manifest()
    {
        var service = new Testing.Cluster.ManifestService("moving", "10.96.0.20", Port, BackendPort, stage.Backends[0].IPv4);
        stage.Node.Manifests.Write(service);
        stage.WaitForBackends("moving", stage.Backends[0].IPv4);
        Assert.Equal(["a/8080"], stage.Client.Place.Spread("tcp", "10.96.0.20", Port, 50).Keys);

        stage.Node.Manifests.Write(service.WithEndpoints(stage.Backends[1].IPv4, stage.Backends[2].IPv4));
        stage.WaitForBackends("moving", stage.Backends[1].IPv4, stage.Backends[2].IPv4);
        Assert.Equal(["b/8080", "c/8080"], stage.Client.Place.Spread("tcp", "10.96.0.20", Port, 50).Keys.Order());

        stage.Node.Manifests.Write(service.WithEndpoints());
        stage.WaitForBackends("moving");
        Assert.Equal("connect ECONNREFUSED", stage.Client.Place.AskInVain("tcp4", "10.96.0.20", Port));
    }

    [KernelTheory]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void Connection_survives_changes_elsewhere(string protocol)
    {
        using var held = stage.Client.Place.Hold(protocol, Web4, Port);
        var before = held.Ask();
        var other = new Testing.Cluster.ManifestService("elsewhere", "10.96.0.21", Port, BackendPort);

        for (int i = 0; i < 10; i++)
        {
            string[] endpoints = [.. stage.Backends.Skip(i % 2).Select(pod => pod.IPv4)];
            stage.Node.Manifests.Write(other.WithEndpoints(endpoints));
            stage.WaitForBackends("elsewhere", endpoints);
            Assert.Equal(before, held.Ask());
        }
    }

    /// <summary>Fails below p = 1e-9 only: a chi-square of 41.45 with two degrees of freedom.</summary>
    private static void AssertEven(IReadOnlyList<int> counts)
    {
        const double limit = 41.45;
        double expected = counts.Average();
        double chiSquare = counts.Sum(count => (count - expected) * (count - expected) / expected);

        Assert.Equal(3, counts.Count);
        Assert.True(chiSquare < limit, $"chi-square {chiSquare:0.0} for {string.Join(", ", counts)}");
    }
}
