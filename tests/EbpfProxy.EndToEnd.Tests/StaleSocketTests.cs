using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using static EbpfProxy.EndToEnd.Tests.ServiceStage;

namespace EbpfProxy.EndToEnd.Tests;

/// <summary>
/// Sockets that are connected to a backend which leaves its service. The pods go on answering, so that it shows who is
/// asked.
/// </summary>
public sealed class StaleSocketTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    private readonly ServiceStage _stage = new();

    private string A => _stage.Backends[0].IPv4;

    private string B => _stage.Backends[1].IPv4;

    private ManifestService Moving { get; } = new("moving", "10.96.0.20", Port, BackendPort);

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [InlineData(4, false)]
    [InlineData(6, false)]
    [InlineData(4, true)]
    [InlineData(6, true)]
    public void CT_02e_and_CT_04e_connected_client_of_a_pod_and_of_the_node_reaches_the_new_backend(int family, bool isHost)
    {
        var service = new ManifestService("moving", family == 4 ? "10.96.0.20" : "fd00:96::20", Port, BackendPort);
        string Of(Pod pod) => family == 4 ? pod.IPv4 : pod.IPv6;
        Move(service.WithEndpoints(Of(_stage.Backends[0])));
        var place = isHost ? _stage.Node.Host : _stage.Client.Place;
        using var client = place.Follow("udp", service.ClusterIP, Port);
        using var tcp = place.Hold("tcp", service.ClusterIP, Port);
        Assert.Equal("a/8080", client.AskAnew().Name);
        Assert.Equal("a/8080", tcp.Ask().Name);

        Move(service.WithEndpoints(Of(_stage.Backends[1])));

        Eventually.Holds(() => client.AskAnew().Name == "b/8080", _deadline);
        Assert.Equal("a/8080", tcp.Ask().Name);
    }

    [KernelFact]
    public void Socket_of_a_backend_that_left_is_closed_and_no_other()
    {
        Move(Moving.WithEndpoints(A));
        using var first = _stage.Client.Place.Hold("udp", Moving.ClusterIP, Port);
        using var mapped = _stage.Client.Place.Hold("udp", $"::ffff:{Moving.ClusterIP}", Port);
        using var elsewhere = _stage.Client.Place.Hold("udp", Web4, Port);
        using var direct = _stage.Client.Place.Hold("udp", A, BackendPort);
        Assert.Equal("a/8080", first.Ask().Name);
        Assert.Equal("a/8080", mapped.Ask().Name);
        var (before, beforeDirect) = (elsewhere.Ask(), direct.Ask());
        Move(Moving.WithEndpoints(A, B));
        using var second = StayAt("b/8080");

        Move(Moving.WithEndpoints(B));

        _stage.Proxy.WaitForLog(line => line.Contains("Closed 2 connected UDP sockets", StringComparison.Ordinal));
        Assert.Equal(("send EDESTADDRREQ", "send EDESTADDRREQ"), (first.AskInVain(), mapped.AskInVain()));
        Assert.Equal("b/8080", second.Ask().Name);
        Assert.Equal((before, beforeDirect), (elsewhere.Ask(), direct.Ask()));
    }

    [KernelFact]
    public void Backend_that_drains_keeps_its_connected_socket_while_new_ones_go_elsewhere()
    {
        Move(Moving.WithEndpoints(A));
        using var client = _stage.Client.Place.Follow("udp", Moving.ClusterIP, Port);
        using var other = StayAt("a/8080");
        Assert.Equal("a/8080", client.AskAnew().Name);

        Move(Moving.WithEndpoints(A, B) with { Draining = [A] });
        Eventually.Holds(() => Names() is ["b/8080"], _deadline);
        Assert.Equal(("a/8080", "a/8080"), (client.AskAnew().Name, other.Ask().Name));

        Move(Moving.WithEndpoints(B));
        Eventually.Holds(() => client.AskAnew().Name == "b/8080", _deadline);
    }

    [KernelFact]
    public void Nothing_is_closed_while_nobody_serves_and_the_next_backend_is_reached()
    {
        Move(Moving.WithEndpoints(A));
        using var client = _stage.Client.Place.Follow("udp", Moving.ClusterIP, Port);
        Assert.Equal("a/8080", client.AskAnew().Name);

        Move(Moving.WithEndpoints());
        Assert.Equal("connect ECONNREFUSED", _stage.Client.Place.AskInVain("udp4-connect", Moving.ClusterIP, Port));
        Assert.Equal("a/8080", client.AskAnew().Name);

        Move(Moving.WithEndpoints(B));
        Eventually.Holds(() => client.AskAnew().Name == "b/8080", _deadline);
    }

    [KernelFact]
    public void Backend_that_left_while_no_daemon_ran_is_left_by_its_sockets_when_one_starts()
    {
        Move(Moving.WithEndpoints(A));
        using var client = _stage.Client.Place.Follow("udp", Moving.ClusterIP, Port);
        Assert.Equal("a/8080", client.AskAnew().Name);
        _stage.Proxy.Kill();

        _stage.Node.Manifests.Write(Moving.WithEndpoints(B));
        Assert.Equal("a/8080", client.AskAnew().Name);
        _stage.Restart();

        Eventually.Holds(() => client.AskAnew().Name == "b/8080", _deadline);
    }

    private void Move(ManifestService service)
    {
        _stage.Node.Manifests.Write(service);
        _stage.Node.WaitForBackends(service);
    }

    private string[] Names() => [.. _stage.Client.Place.Spread("udp", Moving.ClusterIP, Port, 20).Keys];

    /// <summary>A connected socket that was given this backend.</summary>
    private HeldConnection StayAt(string name)
    {
        while (true)
        {
            var held = _stage.Client.Place.Hold("udp", Moving.ClusterIP, Port);
            if (held.Ask().Name == name)
            {
                return held;
            }

            held.Dispose();
        }
    }
}
