using System.Diagnostics;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Session affinity by client address: of sockets, of packets, of both together. The names are those of the scenarios SVC-23 to SVC-28.</summary>
public sealed class AffinityTests(PacketStage stage) : IClassFixture<PacketStage>
{
    private const int Seconds = 10800;
    private const int Tries = 20;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);
    private static readonly Service _sticky = new("sticky", 12);
    private static readonly Service _stickyLocal = new("sticky-local", 13);
    private static readonly Backend[] _all = [Backend.Near, Backend.Far, Backend.FarHost, Backend.Foreign];

    public static TheoryData<string, int> Rows => new()
    {
        { "tcp4", 4 },
        { "tcp6", 6 },
        { "tcp6", 4 },
        { "udp4-connect", 4 },
        { "udp4-sendto", 4 },
        { "udp6-connect", 6 },
        { "udp6-sendto", 6 },
        { "udp6-sendto", 4 },
    };

    /// <summary>SVC-23.</summary>
    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Socket_of_a_pod_stays_with_one_backend_of_a_cluster_IP(string row, int family)
    {
        Write(_sticky, Seconds);
        WaitForSocketTranslation();
        double before = stage.Proxy.Events("translated");

        var (address, port) = stage.Door(_sticky, Frontend.ClusterIP, family);
        AssertStays(() => stage.Client.Place.Ask(row, address, port));

        Assert.True(stage.Proxy.Events("translated") >= before + Tries, "the packet path translated");
    }

    /// <summary>SVC-26, of what no socket hook sees.</summary>
    [KernelTheory]
    [InlineData(Asker.Outside, "tcp4", 4)]
    [InlineData(Asker.Outside, "udp6-sendto", 6)]
    [InlineData(Asker.Routed, "tcp6", 6)]
    [InlineData(Asker.Routed, "udp4-sendto", 4)]
    [InlineData(Asker.Sandbox, "tcp4", 4)]
    [InlineData(Asker.Sandbox, "udp6-connect", 6)]
    public void Packets_stay_with_one_backend_of_a_node_port(Asker asker, string row, int family)
    {
        Write(_sticky, Seconds);

        var (address, port) = stage.Door(_sticky, Frontend.NodePort, family);
        AssertStays(() => stage.PlaceOf(asker).Ask(row, address, port));
    }

    [KernelTheory]
    [InlineData("tcp4", 4)]
    [InlineData("udp6-connect", 6)]
    public void Client_outside_stays_with_one_backend_of_this_node_under_policy_Local(string row, int family)
    {
        Write(_stickyLocal, Seconds, [Backend.Near, Backend.NearHost, Backend.Far, Backend.Foreign], "Local");

        var (address, port) = stage.Door(_stickyLocal, Frontend.NodePort, family);
        string name = AssertStays(() => stage.Cluster.Outside.Ask(row, address, port));

        Assert.StartsWith("near", name, StringComparison.Ordinal);
    }

    [KernelTheory]
    [InlineData("tcp", 4)]
    [InlineData("tcp", 6)]
    [InlineData("udp", 4)]
    public void Pod_has_one_backend_by_all_addresses_and_with_sockets_and_packets(string protocol, int family)
    {
        Write(_sticky, Seconds);
        WaitForSocketTranslation();

        // Two ways that choose apart agree by chance once in four: each round is another choice, and all must agree.
        foreach (var place in new[] { stage.Client, stage.Near })
        {
            var names = Enum.GetValues<Frontend>().SelectMany(frontend =>
            {
                var (address, port) = stage.Door(_sticky, frontend, family);
                string row = Expect.Row(protocol, family);
                return place.Place.Ask(row, address, port).Concat(place.Sandbox.Ask(row, address, port));
            }).Select(answer => answer.Name).ToHashSet();

            Assert.Single(names);
        }
    }

    [KernelTheory]
    [InlineData("tcp", 4)]
    [InlineData("tcp", 6)]
    [InlineData("udp", 4)]
    public void Process_of_the_node_stays_with_one_backend_by_its_own_addresses_and_the_services(string protocol, int family)
    {
        Write(_sticky, Seconds);
        string row = Expect.Row(protocol, family);

        foreach (var frontend in Enum.GetValues<Frontend>())
        {
            var (address, port) = stage.Door(_sticky, frontend, family);
            AssertStays(() => stage.Node.Host.Ask(row, address, port));
        }
    }

    [KernelFact]
    public void Socket_that_is_bound_to_an_address_asks_as_that_address()
    {
        Write(_sticky, Seconds);
        double before = stage.Proxy.Events("translated");
        var (address, port) = stage.Door(_sticky, Frontend.ClusterIP, 4);

        AssertStays(() => [.. stage.Node.Host.AskFrom("tcp", stage.Node.IPv4, address, port).Select(ProbeClient.ToAnswer)]);

        Assert.True(stage.Proxy.Events("translated") >= before + Tries);
    }

    /// <summary>SVC-24 and SVC-27.</summary>
    [KernelTheory]
    [InlineData(Frontend.ClusterIP)]
    [InlineData(Frontend.NodePort)]
    public void Client_that_was_away_for_longer_than_the_time_out_gets_another_backend(Frontend frontend)
    {
        Write(_sticky, 2);
        var (address, port) = stage.Door(_sticky, frontend, 4);
        var place = frontend == Frontend.ClusterIP ? stage.Client.Place : stage.Cluster.Outside;
        string Ask() => Assert.Single(place.Ask("tcp4", address, port).Select(answer => answer.Name).Distinct());

        string first = Ask();
        int tries = 0;
        Eventually.Holds(
            () =>
            {
                var away = Stopwatch.StartNew();
                Eventually.Holds(() => away.Elapsed > TimeSpan.FromSeconds(2.2), _deadline);
                tries++;
                return Ask() != first;
            },
            _deadline);

        Assert.InRange(tries, 1, 20);
    }

    /// <summary>SVC-25 and SVC-28.</summary>
    [KernelTheory]
    [InlineData(Frontend.ClusterIP)]
    [InlineData(Frontend.NodePort)]
    public void Switch_of_affinity_takes_effect_with_the_next_connection(Frontend frontend)
    {
        var (address, port) = stage.Door(_sticky, frontend, 4);
        var place = frontend == Frontend.ClusterIP ? stage.Client.Place : stage.Cluster.Outside;
        void AssertSpreads() => Assert.Equal(_all.Length, place.Spread("tcp", address, port, 100).Count);

        Write(_sticky, 0);
        AssertSpreads();

        Write(_sticky, Seconds);
        Assert.Single(place.Spread("tcp", address, port, 100));

        Write(_sticky, 0);
        AssertSpreads();
    }

    [KernelFact]
    public void Client_moves_when_its_backend_leaves_and_not_when_another_comes()
    {
        Write(_sticky, Seconds);
        var (address, port) = stage.Door(_sticky, Frontend.ClusterIP, 4);
        string socket = AssertStays(() => stage.Client.Place.Ask("tcp4", address, port));
        Backend[] left = [.. _all.Where(backend => PacketStage.NameOf(backend) != socket)];

        Write(_sticky, Seconds, left);
        string moved = AssertStays(() => stage.Client.Place.Ask("tcp4", address, port));
        Write(_sticky, Seconds, _all);
        string after = AssertStays(() => stage.Client.Place.Ask("tcp4", address, port));

        Assert.NotEqual(socket, moved);
        Assert.Equal(moved, after);
    }

    [KernelFact]
    public void Affinity_outlives_a_daemon_that_is_killed()
    {
        Write(_sticky, Seconds);
        var inside = stage.Door(_sticky, Frontend.ClusterIP, 4);
        var outside = stage.Door(_sticky, Frontend.NodePort, 6);
        string socket = AssertStays(() => stage.Client.Place.Ask("tcp4", inside.Address, inside.Port));
        string packet = AssertStays(() => stage.Cluster.Outside.Ask("tcp6", outside.Address, outside.Port));

        stage.Proxy.Kill();
        Assert.Equal(socket, AssertStays(() => stage.Client.Place.Ask("tcp4", inside.Address, inside.Port)));
        stage.Restart();

        Assert.Equal(socket, AssertStays(() => stage.Client.Place.Ask("tcp4", inside.Address, inside.Port)));
        Assert.Equal(packet, AssertStays(() => stage.Cluster.Outside.Ask("tcp6", outside.Address, outside.Port)));
    }

    [KernelFact]
    public void Pod_with_several_addresses_goes_by_the_packet_path_and_stays_too()
    {
        Write(_sticky, Seconds);
        WaitForSocketTranslation(stage.Near);
        string own = stage.Near.IPv4[..^1] + "9";
        var (address, port) = stage.Door(_sticky, Frontend.ClusterIP, 4);
        Shell.Require("ip -n \"$1\" addr add \"$2/24\" dev eth0", stage.Near.Network.Name, own);
        try
        {
            Eventually.Holds(
                () =>
                {
                    double before = stage.Proxy.Events("translated");
                    stage.Near.Place.Ask("tcp4", address, port);
                    return stage.Proxy.Events("translated") == before;
                },
                _deadline);

            AssertStays(() => stage.Near.Place.Ask("tcp4", address, port));
        }
        finally
        {
            Shell.Require("ip -n \"$1\" addr del \"$2/24\" dev eth0", stage.Near.Network.Name, own);
        }
    }

    /// <summary>Each of many new sockets gets the same backend; its name.</summary>
    private static string AssertStays(Func<IEnumerable<Answer>> ask) =>
        Assert.Single(Enumerable.Range(0, Tries).SelectMany(_ => ask()).Select(answer => answer.Name).Distinct());

    private void Write(Service service, int seconds) => Write(service, seconds, _all);

    private void Write(Service service, int seconds, Backend[] backends, string policy = "Cluster")
    {
        foreach (int family in new[] { 4, 6 })
        {
            stage.Node.Manifests.Write(stage.Manifest(service, family, backends) with
            {
                AffinitySeconds = seconds,
                ExternalTrafficPolicy = policy,
                HealthCheckNodePort = policy == "Local" ? 32020 + family : 0,
            });
            stage.Node.WaitForService(service.NameOf(family), row => row.AffinitySeconds == seconds && row.Backends.Length == backends.Length);
        }
    }

    private void WaitForSocketTranslation() => WaitForSocketTranslation(stage.Client);

    /// <summary>Waits until it is known whose the sockets of a pod are: before, the packet path translates.</summary>
    private void WaitForSocketTranslation(Pod pod) => Eventually.Holds(
        () =>
        {
            double before = stage.Proxy.Events("translated");
            var (address, port) = stage.Door(_sticky, Frontend.ClusterIP, 4);
            pod.Place.Ask("tcp4", address, port);
            return stage.Proxy.Events("translated") > before;
        },
        _deadline);
}
