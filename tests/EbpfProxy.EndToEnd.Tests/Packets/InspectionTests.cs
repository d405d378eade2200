using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What the command line tells of live traffic, from the pinned maps.</summary>
public sealed class InspectionTests(PacketStage stage) : IClassFixture<PacketStage>
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Connection_is_told_with_its_ends_and_whom_the_backend_sees(int family)
    {
        var service = new Service("seen", 61);
        stage.Move(service, family, Backend.Far);
        var door = stage.Door(service, Frontend.NodePort, family);
        using (var held = stage.Cluster.Outside.HoldFrom(12361, "tcp", door.Address, door.Port))
        {
            Assert.Equal("far/8080", held.Ask().Name);

            var row = Assert.Single(List("conntrack", "list", service.NameOf(family)));

            Assert.Equal("tcp", row.GetProperty("portName").GetString());
            Assert.Equal(12361, row.GetProperty("client").GetProperty("port").GetInt32());
            Assert.Equal(door.Port, row.GetProperty("frontend").GetProperty("port").GetInt32());
            Assert.Equal(stage.AddressOf(Backend.Far, family), row.GetProperty("backend").GetProperty("address").GetString());
            Assert.NotEqual(JsonValueKind.Null, row.GetProperty("seenAs").ValueKind);
            Assert.Equal("open", row.GetProperty("state").GetString());
            Assert.Contains("12361", stage.Node.Command("conntrack", "list", service.NameOf(family)).Output, StringComparison.Ordinal);
            Assert.Equal(1, stage.Node.Command("conntrack", "list", "another").ExitCode);
        }

        Eventually.Holds(() => List("conntrack", "list", service.NameOf(family)).All(each => each.GetProperty("state").GetString() == "closed"), _deadline);
    }

    [KernelFact]
    public void Client_that_a_service_remembers_is_told_with_what_it_gets()
    {
        var service = new Service("regular", 62);
        var manifest = stage.Manifest(service, 4, Backend.Near, Backend.Far) with { AffinitySeconds = 600 };
        stage.Node.Manifests.Write(manifest);
        stage.Node.WaitForBackends(manifest);
        var door = stage.Door(service, Frontend.NodePort, 4);
        Assert.Empty(List("affinity", "list", service.Name));

        string name = Assert.Single(stage.Cluster.Outside.Ask("tcp4", door.Address, door.Port).Select(answer => answer.Name).Distinct());

        var row = Assert.Single(List("affinity", "list", service.Name));
        var backend = name.StartsWith("near", StringComparison.Ordinal) ? Backend.Near : Backend.Far;
        Assert.Equal(stage.AddressOf(backend, 4), row.GetProperty("backend").GetProperty("address").GetString());
        Assert.InRange(row.GetProperty("remainingSeconds").GetDouble(), 1, 600);
    }

    [KernelFact]
    public void Bytes_that_nobody_counts_are_told_as_such_and_not_as_0()
    {
        var service = new Service("unmeasured", 64);
        stage.Move(service, 4, Backend.Near);
        var inside = stage.Door(service, Frontend.ClusterIP, 4);
        var outside = stage.Door(service, Frontend.NodePort, 4);
        stage.Client.Place.Ask("tcp4", inside.Address, inside.Port);

        var soFar = SoFar();
        Assert.InRange(soFar.GetProperty("opened").GetInt64(), 1, long.MaxValue);
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (soFar.GetProperty("bytesSent").ValueKind, soFar.GetProperty("bytesReceived").ValueKind));
        Assert.False(soFar.GetProperty("socketBytes").GetBoolean());
        Assert.Matches(@"so far +\d+ connections, bytes - \(not measured\); those of sockets are counted with --socket-bytes\n", stage.Node.Command("service", "show", service.Name).Output);
        Assert.Matches($@"default/{service.Name}:tcp .* -  +-  ", stage.Node.Command("top", "--once").Output);

        stage.Cluster.Outside.Ask("tcp4", outside.Address, outside.Port);

        Assert.InRange(SoFar().GetProperty("bytesSent").GetInt64(), 1, long.MaxValue);
        Assert.Matches(@"so far .* B to backends, .* from them; those of sockets are counted with", stage.Node.Command("service", "show", service.Name).Output);

        JsonElement SoFar() => List("service", "show", service.Name).Single(row => row.GetProperty("portName").GetString() == "tcp").GetProperty("soFar");
    }

    [KernelFact]
    public void Maps_are_told_with_their_fill_and_what_happens_when_they_are_full()
    {
        var maps = List("maps");

        Assert.All(maps, map => Assert.InRange(map.GetProperty("inUse").GetInt64(), 0, map.GetProperty("capacity").GetInt64()));
        Assert.Contains(maps, map => map.GetProperty("map").GetString() == "connections");
        Assert.Contains(maps, map => map.GetProperty("map").GetString() == "frontends" && map.GetProperty("inUse").GetInt64() > 0);
        Assert.Contains("connections_full", stage.Node.Command("maps").Output, StringComparison.Ordinal);
    }

    [KernelFact]
    public void Flow_is_explained_as_it_goes()
    {
        var service = new Service("explained", 63);
        var manifest = stage.Manifest(service, 4, Backend.Near, Backend.Far) with { ExternalTrafficPolicy = "Local" };
        stage.Node.Manifests.Write(manifest);
        stage.Node.WaitForBackends(manifest);
        var door = stage.Door(service, Frontend.NodePort, 4);

        // As the backend writes it: mapped:address:port.
        string client = stage.Cluster.Outside.Ask("tcp4", door.Address, door.Port).First().Client.Split(':')[1];

        var result = stage.Node.Command("explain", client, $"{door.Address}:{door.Port}", "-o", "json");

        Assert.True(result.ExitCode == 0, result.Error);
        var explanation = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal("outside", explanation.GetProperty("clientPlace").GetString());
        Assert.Equal("translated", explanation.GetProperty("result").GetString());
        Assert.Equal(
            [(stage.AddressOf(Backend.Far, 4), "OnOtherNode"), (stage.AddressOf(Backend.Near, 4), "Chosen")],
            explanation.GetProperty("endpoints").EnumerateArray()
                .Select(endpoint => (endpoint.GetProperty("address").GetString(), endpoint.GetProperty("reason").GetString()))
                .OrderBy(endpoint => endpoint.Item2 == "Chosen"));
        Assert.Equal(2, stage.Node.Command("explain", "nobody", "nowhere").ExitCode);
    }

    private List<JsonElement> List(params string[] command)
    {
        var result = stage.Node.Command([.. command, "-o", "json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        return [.. JsonDocument.Parse(result.Output).RootElement.EnumerateArray()];
    }
}
