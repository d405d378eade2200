using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What the commands tell that look on: sockets, top, trace.</summary>
public sealed class LiveTests(CountingStage counting) : IClassFixture<CountingStage>
{
    private readonly PacketStage _stage = counting.Stage;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    [KernelTheory]
    [InlineData("tcp", 4, "established")]
    [InlineData("tcp", 6, "established")]
    [InlineData("udp", 4, "connected")]
    public void Socket_is_told_with_its_process_and_its_backend(string protocol, int family, string state)
    {
        var service = new Service($"owned-{protocol}", protocol == "tcp" ? 91 : 92);
        _stage.Move(service, family, Backend.Far);
        var door = _stage.Door(service, Frontend.ClusterIP, family);
        var held = _stage.Client.Place.Hold(protocol, door.Address, door.Port);
        held.Ask();

        var row = Assert.Single(Json("sockets", service.NameOf(family)).EnumerateArray());

        Assert.Equal("probe", row.GetProperty("command").GetString());
        Assert.Equal("probe", File.ReadAllText($"/proc/{row.GetProperty("pid").GetInt32()}/comm").Trim());
        Assert.EndsWith(Path.GetFileName(_stage.Client.Place.Cgroup), row.GetProperty("cgroup").GetString(), StringComparison.Ordinal);
        Assert.Equal(_stage.AddressOf(Backend.Far, family), row.GetProperty("backend").GetProperty("address").GetString());
        Assert.Equal(door.Address, row.GetProperty("frontend").GetProperty("address").GetString());
        Assert.Equal(state, row.GetProperty("state").GetString());
        Assert.Equal(InodeOf(_stage.Client.Place), row.GetProperty("networkNamespace").GetUInt64());
        if (protocol == "tcp")
        {
            Assert.InRange(row.GetProperty("bytesReceived").GetInt64(), 1, 1000);
        }
        else
        {
            Assert.Equal(JsonValueKind.Null, row.GetProperty("bytesReceived").ValueKind);
        }

        held.Dispose();
        Eventually.Holds(() => Json("sockets", service.NameOf(family)).GetArrayLength() == 0, _deadline);
    }

    [KernelFact]
    public void Top_tells_what_happens_between_two_looks()
    {
        var service = new Service("busy", 93);
        _stage.Move(service, 4, Backend.Near);
        var door = _stage.Door(service, Frontend.ClusterIP, 4);
        using var load = _stage.Client.Place.Load("tcp", (door.Address, door.Port, "near"));
        load.WaitForMore(10);

        var row = Json("top", "--once").EnumerateArray().Single(one => one.GetProperty("service").GetString() == service.Name);
        string text = Text("top", "--rounds", "2", "--sort", "connections");
        load.EndWithoutFailure();

        Assert.True(row.GetProperty("connectionsPerSecond").GetDouble() > 1, $"{row}");
        Assert.True(row.GetProperty("bytesSentPerSecond").GetDouble() > 1, $"{row}");
        Assert.True(row.GetProperty("bytesReceivedPerSecond").GetDouble() > 1, $"{row}");
        Assert.Equal(2, text.Split('\n').Count(line => line.StartsWith("SERVICE ", StringComparison.Ordinal)));
        Assert.StartsWith("default/busy:tcp ", text.Split('\n')[1], StringComparison.Ordinal);
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Trace_tells_what_sockets_and_packets_get_and_only_of_what_was_asked_for(int family)
    {
        var service = new Service("traced", 94);
        _stage.Move(service, family, Backend.Far);
        var inside = _stage.Door(service, Frontend.ClusterIP, family);
        var outside = _stage.Door(service, Frontend.NodePort, family);
        var other = _stage.Door(PacketStage.OverNear, Frontend.ClusterIP, family);
        using var trace = Trace("--service", service.NameOf(family), "--count", "2", "-o", "json");

        _stage.Client.Place.Ask($"tcp{family}", other.Address, other.Port);
        _stage.Client.Place.Ask($"tcp{family}", inside.Address, inside.Port);
        _stage.Cluster.Outside.Ask($"tcp{family}", outside.Address, outside.Port);

        var picked = Event(trace);
        var translated = Event(trace);
        Assert.Equal("picked", picked.GetProperty("result").GetString());
        Assert.Equal("probe", picked.GetProperty("command").GetString());
        Assert.Equal(inside.Address, picked.GetProperty("frontend").GetProperty("address").GetString());
        Assert.Equal("translated", translated.GetProperty("result").GetString());
        Assert.Equal(outside.Port, translated.GetProperty("frontend").GetProperty("port").GetInt32());
        Assert.All(new[] { picked, translated }, one =>
        {
            Assert.Equal(service.NameOf(family), one.GetProperty("service").GetString());
            Assert.Equal(_stage.AddressOf(Backend.Far, family), one.GetProperty("backend").GetProperty("address").GetString());
        });
        Assert.Equal(0, trace.WaitForExit());
    }

    [KernelFact]
    public void Trace_tells_why_something_is_refused_or_dropped()
    {
        var empty = _stage.Door(PacketStage.Empty, Frontend.ClusterIP, 4);
        var far = _stage.Door(PacketStage.LocalFar, Frontend.NodePort, 4);
        using var refusals = Trace("--address", empty.Address, "--count", "1");
        _stage.Client.Place.AskInVain("tcp4", empty.Address, empty.Port);
        Assert.Matches(@"refused +probe\[\d+\] " + $"{empty.Address}:80/tcp -> no_endpoint default/empty:tcp$", refusals.ReadLine());
        Assert.Equal(0, refusals.WaitForExit());

        using var drops = Trace("--port", $"{far.Port}", "--count", "1");
        _stage.Cluster.Outside.AskInSilence("tcp4", far.Address, far.Port);
        Assert.Matches(@"dropped +[0-9.]+:\d+ " + $"{far.Address}:{far.Port}/tcp -> no_local_endpoint default/local-far:tcp$", drops.ReadLine());
    }

    [KernelFact]
    public void Datagrams_of_a_socket_that_has_its_backend_are_not_told()
    {
        var service = new Service("silent", 95);
        _stage.Move(service, 4, Backend.Near);
        var door = _stage.Door(service, Frontend.ClusterIP, 4);
        using var trace = Trace("--service", service.Name);
        using (var held = _stage.Client.Place.Hold("udp", door.Address, door.Port))
        {
            held.Ask();
            held.Ask();
            held.Ask();
        }

        _stage.Client.Place.Ask("tcp4", door.Address, door.Port);
        trace.ReadLine(line => line.Contains("/udp -> ", StringComparison.Ordinal));
        Assert.Contains("/tcp -> ", trace.ReadLine(), StringComparison.Ordinal);
    }

    [KernelFact]
    public void There_is_one_trace_at_a_time_and_one_that_was_killed_leaves_nothing_on()
    {
        using var first = Trace("--port", "1");
        Assert.Equal(1, _stage.Node.Command("trace", "--timeout", "1").ExitCode);
        first.Kill();
        Assert.NotEqual(0ul, UntilOfFilter());

        // It is a time, which passes; the next trace takes its place at once, and clears it when it ends.
        Assert.Equal(1, _stage.Node.Command("trace", "--port", "1", "--timeout", "0.1").ExitCode);

        Assert.Equal(0ul, UntilOfFilter());
    }

    private static ulong InodeOf(Place place) => ulong.Parse(Shell.Require("stat -Lc %i \"$1\"", place.NetworkNamespace).Trim(), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A trace that hears what happens from now on.</summary>
    private LineProcess Trace(params string[] filter)
    {
        var trace = _stage.Node.Host.Start([ProxyBinary.Path, "trace", .. filter, "--bpffs", _stage.Node.BpfFileSystem]);
        Assert.Equal("listening", trace.ReadLine());
        return trace;
    }

    private ulong UntilOfFilter()
    {
        string dump = Shell.Require("bpftool -j map dump pinned \"$1/ebpf-proxy/trace/trace_filters\"", _stage.Node.BpfFileSystem);
        return JsonDocument.Parse(dump).RootElement[0].GetProperty("formatted").GetProperty("value").GetProperty("until_ns").GetUInt64();
    }

    private static JsonElement Event(LineProcess trace) => JsonDocument.Parse(trace.ReadLine()).RootElement;

    private JsonElement Json(params string[] command) => JsonDocument.Parse(Text([.. command, "-o", "json"])).RootElement;

    private string Text(params string[] command)
    {
        var result = _stage.Node.Command(command);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }
}
