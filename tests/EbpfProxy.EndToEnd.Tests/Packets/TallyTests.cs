using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What each service is told to have done: connections, bytes, refusals, of sockets and of packets.</summary>
public sealed class TallyTests(CountingStage counting) : IClassFixture<CountingStage>
{
    private readonly PacketStage _stage = counting.Stage;
    private const int Bytes = 300_000;

    // How much more the headers of so many bytes can be, and what is sent twice.
    private const int AtMost = Bytes * 5 / 4;

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Socket_is_counted_when_it_connects_and_its_bytes_when_it_is_over(int family)
    {
        var service = new Service("of-sockets", 71);
        _stage.Move(service, family, Backend.Far);
        var door = _stage.Door(service, Frontend.ClusterIP, family);

        _stage.Client.Place.Bulk("tcp", door.Address, door.Port, Bytes);

        Eventually.Holds(() => Tally(service, family) is { Opened: 1, Open: 0, Sent: >= Bytes and < AtMost, Received: >= Bytes and < AtMost }, _deadline);
        Assert.Empty(Records(service, family));
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Bytes_of_an_open_socket_are_told_while_it_is_open_and_once_only_after(int family)
    {
        var service = new Service("of-open", 72);
        _stage.Move(service, family, Backend.Near);
        var door = _stage.Door(service, Frontend.ClusterIP, family);
        long sent;
        using (var held = _stage.Client.Place.Hold("tcp", door.Address, door.Port))
        {
            held.Ask();
            Eventually.Holds(() => Tally(service, family) is { Opened: 1, Open: 1, Sent: > 1, Received: > 1 }, _deadline);
            sent = Tally(service, family).Sent;
        }

        // The FIN counts as one byte more.
        Eventually.Holds(() => Tally(service, family).Open == 0, _deadline);
        Assert.InRange(Tally(service, family).Sent, sent, sent + 1);
        Assert.Equal(1, Tally(service, family).Opened);
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Connection_in_packets_is_over_when_both_sides_closed_it_and_has_its_bytes(int family)
    {
        var service = new Service("of-packets", 73);
        _stage.Move(service, family, Backend.Far);
        var door = _stage.Door(service, Frontend.NodePort, family);

        _stage.Cluster.Outside.Bulk("tcp", door.Address, door.Port, Bytes);

        Eventually.Holds(() => Tally(service, family) is { Opened: 1, Open: 0, Sent: >= Bytes and < AtMost, Received: >= Bytes and < AtMost }, _deadline);
    }

    [KernelFact]
    public void Connected_datagram_sockets_are_open_until_they_are_closed()
    {
        var service = new Service("of-datagrams", 74);
        _stage.Move(service, 4, Backend.Near);
        var door = _stage.Door(service, Frontend.ClusterIP, 4);
        using (var held = _stage.Client.Place.Hold("udp", door.Address, door.Port))
        {
            held.Ask();
            Assert.True(Tally(service, 4, "udp") is { Opened: 1, Open: 1 }, $"{Tally(service, 4, "udp")}");
        }

        Eventually.Holds(() => Tally(service, 4, "udp") is { Opened: 1, Open: 0 }, _deadline);
        _stage.Client.Place.Ask("udp4-sendto", door.Address, door.Port);
        Eventually.Holds(() => Tally(service, 4, "udp") is { Opened: >= 2, Open: 0 }, _deadline);
    }

    [KernelFact]
    public void Refusals_are_counted_by_reason()
    {
        var door = _stage.Door(PacketStage.Empty, Frontend.ClusterIP, 4);
        var far = _stage.Door(PacketStage.LocalFar, Frontend.NodePort, 4);
        var ranged = _stage.Door(PacketStage.Ranged, Frontend.LoadBalancer, 4);
        long before = Refusals(PacketStage.Empty, "no_endpoint");
        long dropped = Refusals(PacketStage.LocalFar, "no_local_endpoint");
        long denied = Refusals(PacketStage.Ranged, "source_denied");

        _stage.Client.Place.AskInVain("tcp4", door.Address, door.Port);
        _stage.Cluster.Outside.AskInSilence("tcp4", far.Address, far.Port);
        _stage.Cluster.Outside.AskInSilence("tcp4", ranged.Address, ranged.Port);

        Assert.Equal(before + 1, Refusals(PacketStage.Empty, "no_endpoint"));
        Assert.InRange(Refusals(PacketStage.LocalFar, "no_local_endpoint"), dropped + 1, dropped + 3);
        Assert.InRange(Refusals(PacketStage.Ranged, "source_denied"), denied + 1, denied + 3);
    }

    [KernelFact]
    public void Metrics_tell_each_service_and_forget_it_when_it_goes()
    {
        var service = new Service("of-metrics", 75);
        _stage.Move(service, 4, Backend.Near);
        var door = _stage.Door(service, Frontend.ClusterIP, 4);
        const string labels = "{namespace=\"default\",service=\"of-metrics\",port=\"tcp\",protocol=\"TCP\"}";
        using (var held = _stage.Client.Place.Hold("tcp", door.Address, door.Port))
        {
            held.Ask();
            Assert.Equal(1, _stage.Proxy.Metric($"ebpf_proxy_service_open_connections{labels}"));
        }

        Eventually.Holds(() => _stage.Proxy.Metric($"ebpf_proxy_service_open_connections{labels}") == 0, _deadline);
        Assert.Equal(1, _stage.Proxy.Metric($"ebpf_proxy_service_connections_total{labels}"));
        Assert.InRange(_stage.Proxy.Metric($"ebpf_proxy_service_received_bytes_total{labels}"), 2, 10_000);
        Assert.Equal(1, _stage.Proxy.Metric("ebpf_proxy_service_metrics"));

        _stage.Node.Manifests.Delete(service.Name);
        Eventually.Holds(() => !_stage.Proxy.Metrics("/metrics").Contains("of-metrics", StringComparison.Ordinal), _deadline);
    }

    /// <summary>As after `kubectl delete` and `apply`: with its old id, and nobody who looked meanwhile.</summary>
    [KernelFact]
    public void Metrics_of_a_service_that_comes_back_between_two_looks_begin_anew()
    {
        var service = new Service("of-again", 79);
        const string series = "ebpf_proxy_service_connections_total{namespace=\"default\",service=\"of-again\",port=\"tcp\",protocol=\"TCP\"}";
        _stage.Move(service, 4, Backend.Near);
        Ask(3);
        Assert.Equal(3, _stage.Proxy.Metric(series));
        long[] ids = Ids(service);

        // Its two ports change places each time.
        for (int i = 0; i < 2; i++)
        {
            _stage.Node.Manifests.Delete(service.Name);
            Eventually.Holds(() => Ids(service).Length == 0, _deadline);
            _stage.Move(service, 4, Backend.Near);
        }

        Assert.Equal(ids, Ids(service));
        Ask(1);

        Assert.Equal(1, _stage.Proxy.Metric(series));

        void Ask(int times)
        {
            var door = _stage.Door(service, Frontend.ClusterIP, 4);
            for (int i = 0; i < times; i++)
            {
                _stage.Client.Place.Ask("tcp4", door.Address, door.Port);
            }

            Eventually.Holds(() => Tally(service, 4).Open == 0, _deadline);
        }
    }

    [KernelFact]
    public void Id_of_a_service_that_is_gone_is_not_given_away_while_its_connections_are_open()
    {
        var gone = new Service("gone", 76);
        var next = new Service("next", 77);
        _stage.Move(gone, 4, Backend.Near);
        long[] ids = Ids(gone);
        var door = _stage.Door(gone, Frontend.ClusterIP, 4);
        using (var held = _stage.Client.Place.Hold("tcp", door.Address, door.Port))
        {
            held.Ask();
            _stage.Node.Manifests.Delete(gone.Name);
            Eventually.Holds(() => Ids(gone).Length == 0, _deadline);
            _stage.Move(next, 4, Backend.Near);

            // The other port had no connection: its id may be given away.
            Assert.NotEmpty(ids.Except(Ids(next)));
        }

        Eventually.Holds(() => Tally(next, 4) is { Opened: 0, Open: 0, Sent: 0 }, _deadline);
    }

    private long[] Ids(Service service) =>
        [.. Json("service", "list").EnumerateArray().Where(row => row.GetProperty("service").GetString() == service.Name).Select(row => row.GetProperty("id").GetInt64())];

    private long Refusals(Service service, string reason) =>
        SoFar(service.Name, "tcp").GetProperty("refusals").GetProperty(reason).GetInt64();

    private (long Opened, long Open, long Sent, long Received) Tally(Service service, int family, string port = "tcp")
    {
        var tally = SoFar(service.NameOf(family), port);
        return (
            tally.GetProperty("opened").GetInt64(),
            tally.GetProperty("open").GetInt64(),
            BytesOf("bytesSent"),
            BytesOf("bytesReceived"));

        // Nobody counts those of datagrams.
        long BytesOf(string name) => tally.GetProperty(name) is { ValueKind: JsonValueKind.Number } bytes ? bytes.GetInt64() : port == "udp" ? 0 : throw new InvalidDataException($"{tally}");
    }

    private JsonElement SoFar(string service, string port) => Json("service", "show", service).EnumerateArray()
        .Single(row => row.GetProperty("portName").GetString() == port)
        .GetProperty("soFar");

    private JsonElement[] Records(Service service, int family) =>
        [.. Json("backend", "list", service.NameOf(family)).EnumerateArray().Where(row => row.GetProperty("connections").GetProperty("active").GetInt32() > 0)];

    private JsonElement Json(params string[] command)
    {
        var result = _stage.Node.Command([.. command, "-o", "json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        return JsonDocument.Parse(result.Output).RootElement;
    }
}
