using System.Text.Json;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What the lists tell of services and their live connections, in each of their forms.</summary>
public sealed class ShowTests(PacketStage stage) : IClassFixture<PacketStage>
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Service_is_shown_with_its_frontends_policies_and_endpoints(int family)
    {
        var service = new Service("shown", 81);
        var manifest = stage.Manifest(service, family, Backend.Near, Backend.Far) with { ExternalTrafficPolicy = "Local", AffinitySeconds = 77 };
        stage.Node.Manifests.Write(manifest);
        stage.Node.WaitForBackends(manifest);
        string name = $"default/{service.NameOf(family)}";
        var door = stage.Door(service, Frontend.ClusterIP, family);

        var shown = Json("service", "show", name).EnumerateArray().Single(each => each.GetProperty("portName").GetString() == "tcp");
        string text = Text("service", "show", name);

        Assert.Equal("local", shown.GetProperty("verdicts").GetProperty("external").GetString());
        Assert.Equal(77, shown.GetProperty("affinitySeconds").GetInt32());
        Assert.Equal(
            [($"{stage.AddressOf(Backend.Near, family)} ready", "cluster,local", true), ($"{stage.AddressOf(Backend.Far, family)} ready", "cluster", false)],
            shown.GetProperty("endpoints").EnumerateArray()
                .Select(one => (
                    $"{one.GetProperty("address").GetString()} {one.GetProperty("state").GetString()}",
                    string.Join(',', one.GetProperty("sets").EnumerateArray().Select(set => set.GetString())),
                    one.GetProperty("onNode").GetBoolean()))
                .OrderByDescending(one => one.Item3));
        Assert.Matches($@"frontends +{(family == 4 ? door.Address : $"\\[{door.Address}\\]")}:{door.Port} cluster IP\n", text);
        Assert.Matches(@"external +local: one of the 1 on this node\n", text);
        Assert.Matches(@"affinity +a client stays with its endpoint for 77 s\n", text);
        Assert.Contains($"{stage.AddressOf(Backend.Near, family)}", Text("service", "show", name, "-o", "yaml"), StringComparison.Ordinal);
        Assert.Equal(1, stage.Node.Command("service", "show", "default/nobody").ExitCode);
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Wide_lists_count_the_connections_of_sockets_and_of_packets(int family)
    {
        var service = new Service("counted", 82);
        stage.Move(service, family, Backend.Far);
        var inside = stage.Door(service, Frontend.ClusterIP, family);
        var outside = stage.Door(service, Frontend.NodePort, family);
        Assert.Equal((0, 0), CountOf(service, family));

        using (var fromPod = stage.Client.Place.Hold("tcp", inside.Address, inside.Port))
        {
            fromPod.Ask();
            Assert.Equal((1, 0), CountOf(service, family));
            using var fromOutside = stage.Cluster.Outside.Hold("tcp", outside.Address, outside.Port);
            fromOutside.Ask();
            Assert.Equal((2, 0), CountOf(service, family));
            Assert.Matches(@"\b2 +0 +\d+\n", Text("backend", "list", service.NameOf(family), "-o", "wide"));
            Assert.Equal(2, ServiceOf(service, family).GetProperty("connections").GetProperty("active").GetInt32());
        }

        Eventually.Holds(() => CountOf(service, family).Active == 0, _deadline);
    }

    [KernelFact]
    public void Connection_that_one_side_has_closed_is_counted_as_closing()
    {
        var service = new Service("half", 83);
        var manifest = stage.Manifest(service, 4, Backend.Near) with { Ports = [new("tcp", Service.Port, 9183, "TCP", service.NodePort(4))] };
        stage.Node.Manifests.Write(manifest);
        stage.Node.WaitForBackends(manifest);
        using var server = stage.Near.Serve("9183");
        using var held = stage.Client.Place.Hold("tcp", service.Address(Frontend.ClusterIP, 4), Service.Port);
        held.Ask();
        Assert.Equal((1, 0), CountOf(service, 4));

        server.Kill();

        Eventually.Holds(() => CountOf(service, 4) == (0, 1), _deadline);
    }

    [KernelFact]
    public void Watch_tells_each_change_in_a_line()
    {
        var service = new Service("watched", 84);
        stage.Move(service, 4, Backend.Near);
        using var watch = stage.Node.Host.Start(
            [ProxyBinary.Path, "backend", "list", service.Name, "--watch", "--bpffs", stage.Node.BpfFileSystem]);
        string near = $"{stage.AddressOf(Backend.Near, 4)}:8080";
        string far = $"{stage.AddressOf(Backend.Far, 4)}:8080";
        watch.ReadLine(line => line == $"ADDED\tdefault\t{service.Name}\ttcp\t{near}\tready\tyes");

        stage.Move(service, 4, Backend.Near, Backend.Far);
        watch.ReadLine(line => line == $"ADDED\tdefault\t{service.Name}\ttcp\t{far}\tready\tno");

        stage.Node.Manifests.Write(stage.Manifest(service, 4, Backend.Near, Backend.Far) with { Draining = [stage.AddressOf(Backend.Far, 4)] });
        watch.ReadLine(line => line == $"CHANGED\tdefault\t{service.Name}\ttcp\t{far}\tpassed-over\tno");

        stage.Move(service, 4, Backend.Far);
        watch.ReadLine(line => line == $"REMOVED\tdefault\t{service.Name}\ttcp\t{near}\tready\tyes");
    }

    [KernelFact]
    public void On_a_terminal_the_columns_fit_and_words_are_coloured_unless_they_shall_not_be()
    {
        const string inTerminal = "script -qefc \"stty cols 80; exec $1 service list --bpffs $2\" /dev/null | tr -d '\\r'";

        string coloured = Shell.Require($"unset NO_COLOR; TERM=xterm; export TERM; {inTerminal}", ProxyBinary.Path, stage.Node.BpfFileSystem);
        string plain = Shell.Require($"NO_COLOR=1; TERM=xterm; export TERM NO_COLOR; {inTerminal}", ProxyBinary.Path, stage.Node.BpfFileSystem);

        // What .NET says to each terminal, of its keys.
        plain = plain.Replace("\e[?1h\e=", "", StringComparison.Ordinal).Replace("\e[?1l\e>", "", StringComparison.Ordinal);

        Assert.Contains("\e[31mrefuse\e[0m", coloured, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[31m", plain, StringComparison.Ordinal);
        Assert.Contains('…', plain);
        Assert.All(plain.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.DoesNotContain('…', Text("service", "list"));
    }

    private (int Active, int Closing) CountOf(Service service, int family)
    {
        var connections = Json("backend", "list", service.NameOf(family)).EnumerateArray()
            .Where(each => each.GetProperty("portName").GetString() == "tcp")
            .Select(each => each.GetProperty("connections"))
            .ToList();
        return (connections.Sum(each => each.GetProperty("active").GetInt32()), connections.Sum(each => each.GetProperty("closing").GetInt32()));
    }

    private JsonElement ServiceOf(Service service, int family) =>
        Json("service", "list", service.NameOf(family)).EnumerateArray().Single(each => each.GetProperty("portName").GetString() == "tcp");

    private JsonElement Json(params string[] command) => JsonDocument.Parse(Text([.. command, "-o", "json"])).RootElement;

    private string Text(params string[] command)
    {
        var result = stage.Node.Command(command);
        Assert.True(result.ExitCode == 0, result.Error);
        return result.Output;
    }
}
