using System.CommandLine;
using System.Globalization;
using EbpfProxy.Commands;
using EbpfProxy.Datapath.Sockets;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Output;

namespace EbpfProxy.Tests.Output;

public sealed class ListOutputTests
{
    private static readonly ServiceRow _row = new(
        7,
        new ServiceKey(new ObjectName("default", "web"), "http", Protocol.Tcp, IpFamily.IPv4),
        [new Frontend(Address.FromIPv4(0x0a600001), 80, FrontendKind.ClusterIP), new Frontend(Address.Any, 30080, FrontendKind.NodePort)],
        new TrafficVerdicts(Verdict.Cluster, Verdict.Local, Verdict.Cluster),
        2,
        10800,
        [new Prefix(Address.FromIPv4(0xcb007100), 24)],
        [],
        [new BackendRow(3, Address.FromIPv4(0x0a000001), 8080, BackendUse.Serving | BackendUse.InClusterSet | BackendUse.OnNode)]);

    [Fact]
    public void A_service_is_one_row_of_words()
    {
        Assert.Equal(
            ["default", "web", "http", "TCP", "10.96.0.1:80,*:30080", "2", "cluster", "local", "10800s", "3", "1", "203.0.113.0/24", "7"],
            Cells(ServiceListCommand.Columns, new CountedService(_row, new ConnectionCount(3, 1))));
    }

    [Theory]
    [InlineData(BackendUse.Serving | BackendUse.InClusterSet, "ready")]
    [InlineData(BackendUse.Serving | BackendUse.InLocalSet | BackendUse.OnNode, "ready")]
    [InlineData(BackendUse.Serving, "passed-over")]
    [InlineData(BackendUse.OnNode, "unused")]
    public void A_backend_says_whether_it_gets_traffic(BackendUse use, string state)
    {
        var backend = new CountedBackend(_row, new BackendRow(3, Address.FromIPv4(1), 80, use));

        Assert.Equal(state, BackendListCommand.Columns.Single(column => column.Name == "STATE").Cell(backend));
    }

    [Fact]
    public void Json_has_what_the_row_has()
    {
        string json = System.Text.Json.JsonSerializer.Serialize([ServiceJson.From(new CountedService(_row))], ListJsonContext.Default.IReadOnlyListServiceJson);

        Assert.Contains("\"address\": \"10.96.0.1\"", json, StringComparison.Ordinal);
        Assert.Contains("\"kind\": \"NodePort\"", json, StringComparison.Ordinal);
        Assert.Contains("\"203.0.113.0/24\"", json, StringComparison.Ordinal);
        Assert.Contains("\"externalNear\": \"cluster\"", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_of_one_service_says_first_which_it_is()
    {
        var shown = ServiceDetailJson.From(_row, new ConnectionCounts([], []), tally: null);

        using var json = System.Text.Json.JsonSerializer.SerializeToDocument([shown], ListJsonContext.Readable.IReadOnlyListServiceDetailJson);

        string[] names = [.. json.RootElement[0].EnumerateObject().Select(field => field.Name)];
        Assert.Equal(["id", "namespace", "service"], names[..3]);
        Assert.Equal(["soFar", "endpoints"], names[^2..]);
    }

    [Theory]
    [InlineData(200, 50, 200, 50)]
    [InlineData(5, 1, 20, 3)]
    [InlineData(0, 0, 80, 24)]
    public void A_terminal_has_a_size_though_it_does_not_say_which(int columns, int lines, int width, int height)
    {
        var terminal = Terminal.OfSize(columns, lines, hasColours: false);

        Assert.Equal((width, height), (terminal.Width, terminal.Height));
    }

    [Fact]
    public void A_connection_is_one_row_of_words()
    {
        var row = new ConnectionRow(
            9,
            _row.Key,
            Protocol.Tcp,
            new AddressPort(Address.FromIPv4(0xc0000209), 40000),
            new AddressPort(Address.FromIPv4(0xc0a80001), 30080),
            new AddressPort(Address.FromIPv4(0x0a000001), 8080),
            new AddressPort(Address.FromIPv4(0xc0a80001), 1024),
            ConnectionState.HalfClosed,
            TimeSpan.FromSeconds(61),
            1536,
            100);

        Assert.Equal(
            ["default/web:http", "TCP", "192.0.2.9:40000", "192.168.0.1:30080", "10.0.0.1:8080", "192.168.0.1:1024", "half-closed", "1 min 1 s", "1.5 KiB", "100 B", "9"],
            Cells(ConntrackListCommand.Columns, row));
        Assert.Equal(
            ["-", "TCP", "192.0.2.9:40000", "192.168.0.1:30080", "10.0.0.1:8080", "-", "half-closed", "1 min 1 s", "1.5 KiB", "100 B", "9"],
            Cells(ConntrackListCommand.Columns, row with { Service = null, Source = null }));
    }

    [Fact]
    public void A_remembered_client_is_one_row_of_words()
    {
        var row = new AffinityRow(_row.Key, Address.FromIPv4(0xc0000209), new AddressPort(Address.FromIPv4(0x0a000001), 8080), TimeSpan.FromSeconds(10799));

        Assert.Equal(["default/web:http", "TCP", "192.0.2.9", "10.0.0.1:8080", "2 h 59 min"], Cells(AffinityListCommand.Columns, row));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("web", true)]
    [InlineData("default/web", true)]
    [InlineData("other/web", false)]
    [InlineData("we", false)]
    public void A_list_can_be_of_one_service(string? wanted, bool isShown)
    {
        Assert.Equal(isShown, ServiceFilter.IsWanted(wanted, _row.Key));
        Assert.Equal(wanted is null, ServiceFilter.IsWanted(wanted, null));
    }

    [Theory]
    [InlineData("nope")]
    [InlineData("nope --output json")]
    public async Task A_list_of_a_service_that_is_not_there_fails(string line)
    {
        var fault = await Assert.ThrowsAsync<IOException>(() => ListAsync(line));

        Assert.Equal("no service nope on this node: see `ebpf-proxy service list`", fault.Message);
    }

    [Theory]
    [InlineData("web", "SERVICE   CLIENT   BACKEND   LEFT\n")]
    [InlineData("default/web --output json", "[]\n")]
    [InlineData("", "SERVICE   CLIENT   BACKEND   LEFT\n")]
    public async Task A_list_of_a_service_that_has_nothing_is_empty(string line, string expected) => Assert.Equal(expected, await ListAsync(line));

    [Fact]
    public void Columns_are_as_wide_as_their_widest_cell()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        Write(output, Terminal.None, [new("A", row => row[0]), new("B", row => row[1])], ["long", "x"], ["y", ""]);

        Assert.Equal("A      B\nlong   x\ny\n", output.ToString());
    }

    [Fact]
    public void Columns_are_cut_to_fit_the_terminal_the_widest_first()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        Write(output, new Terminal(20, HasColours: false), [new("A", row => row[0]), new("B", row => row[1])], ["a-cell-that-is-long", "short"]);

        Assert.Equal("A              B\na-cell-that-…  short\n", output.ToString());
    }

    [Fact]
    public void Columns_that_can_go_do_before_others_become_too_short_to_be_told_apart()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        Write(
            output,
            new Terminal(24, HasColours: false),
            [new("A", row => row[0]), new("B", row => row[1], ColumnUse.IfRoom), new("C", row => row[2]), new("D", row => row[3], ColumnUse.IfRoom)],
            ["default/web", "medium", "short", "more"]);

        Assert.Equal("A            C\ndefault/web  short\n(too narrow for B, D)\n", output.ToString());
    }

    [Fact]
    public void Services_fit_the_width_that_terminals_have()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        var row = _row with { Key = _row.Key with { Service = new ObjectName("kube-system", "metrics-server-of-the-cluster") } };

        TextTable.Write(output, new Terminal(80, HasColours: false), [.. ServiceListCommand.Columns.Where(column => column.Use != ColumnUse.Wide)], [new CountedService(row)]);

        Assert.Equal(
            """
            NAMESPACE    NAME            PORT  PROTOCOL  FRONTENDS        BACKENDS  INTERNAL
            kube-system  metrics-serve…  http  TCP       10.96.0.1:80,*…  2         cluster
            (too narrow for EXTERNAL, AFFINITY)

            """,
            output.ToString());
    }

    [Theory]
    [InlineData("192.168.50.9", "192.168.50.11", "…  192.168.50.9:40000  192.168.50.11:30080  192.168.50.9:8080\n(too narrow for PROTOCOL, SEEN AS, STATE, IDLE)\n")]
    [InlineData("10.0.0.1", "10.96.0.1", "…  TCP       10.0.0.1:40000  10.96.0.1:30080  10.0.0.1:8080\n(too narrow for SEEN AS, STATE, IDLE)\n")]
    [InlineData("fd00:10:244:1::7", "fd00:10:96::a", "…  [fd00:10:244:1…:40000  [fd00:10:96::a]:30080  [fd00:10:244:1:…:8080\n(too narrow for PROTOCOL, SEEN AS, STATE, IDLE)\n")]
    public void Connections_keep_their_ports_in_the_width_that_terminals_have(string client, string frontend, string end)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        var row = Connection(client, frontend);

        TextTable.Write(output, new Terminal(80, HasColours: false), [.. ConntrackListCommand.Columns.Where(column => column.Use != ColumnUse.Wide)], [row]);

        Assert.EndsWith(end, output.ToString(), StringComparison.Ordinal);
        Assert.All(output.ToString().Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public void Sockets_keep_their_ports_in_the_width_that_terminals_have()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        var place = new AddressPort(Parse("192.168.150.111"), 30080);
        var row = new SocketRow(1, 7, _row.Key, Protocol.Tcp, place, place, IsConnected: true, 1, TcpState.Established, 1, 0, 0, IsTallied: true);

        TextTable.Write(
            output,
            new Terminal(80, HasColours: false),
            [.. SocketsCommand.Columns.Where(column => column.Use != ColumnUse.Wide)],
            [new OwnedSocket(row, new SocketOwner(1234567, "metrics-server", ""))]);

        Assert.EndsWith("  TCP       1234567  192.168.150.111:30080  192.168.150.111:30080\n(too narrow for COMMAND, STATE)\n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Maps_read_whole_in_the_width_that_terminals_have()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        TableFill[] fills = [new("connections", 1000000, 1048576), new("peers", 3, 16384), new("frontends", 7, 16384)];

        TextTable.Write(output, new Terminal(80, HasColours: false), MapsCommand.Columns, fills);

        string[] lines = output.ToString().Split('\n');
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 80));
        Assert.DoesNotContain("…", output.ToString(), StringComparison.Ordinal);
        Assert.Equal("MAP          IN USE   CAPACITY  FILL  WHEN FULL", lines[0]);
        int start = lines[0].IndexOf("WHEN FULL", StringComparison.Ordinal);
        string told = string.Join(' ', lines.Skip(1).Select(line => line.Length > start ? line[start..] : ""));
        Assert.All(fills, fill => Assert.Contains(Words.WhenFull(fill.Table), told, StringComparison.Ordinal));
    }

    [Fact]
    public void A_socket_whose_bytes_nobody_tells_has_none()
    {
        var place = new AddressPort(Parse("10.0.0.1"), 53);
        var row = new SocketRow(1, 7, _row.Key, Protocol.Udp, place, place, IsConnected: true, 1, TcpState.Unknown, 1, null, null, IsTallied: false);

        Assert.Equal(["-", "-"], Cells([.. SocketsCommand.Columns.Where(column => column.Name is "SENT" or "RECEIVED")], new OwnedSocket(row, null)));
        Assert.Null(SocketJson.From(new OwnedSocket(row, null)).BytesSent);
    }

    [Fact]
    public void Words_are_coloured_on_a_terminal_and_stay_in_their_columns()
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        Write(output, new Terminal(80, HasColours: true), [new("STATE", row => row[0]), new("B", row => row[1])], ["ready", "x"]);

        Assert.Equal("\e[1mSTATE   B\e[0m\n\e[32mready\e[0m   x\n", output.ToString());
    }

    private static void Write(TextWriter output, Terminal terminal, IReadOnlyList<Column<string[]>> columns, params string[][] rows) =>
        TextTable.Write(output, terminal, columns, rows);

    /// <summary>A list that is empty, where there is one service.</summary>
    private static async Task<string> ListAsync(string line)
    {
        using var output = new StringWriter(CultureInfo.InvariantCulture);
        var list = new ListCommand<AffinityRow, AffinityJson>("list", "")
        {
            Columns = AffinityListCommand.Columns,
            Key = row => $"{row.Client}",
            ToJson = AffinityJson.From,
            ListType = ListJsonContext.Readable.IReadOnlyListAffinityJson,
            RowType = ListJsonContext.Readable.AffinityJson,
            ReadServices = _ => [_row.Key],
        };
        await list.CreateByService((_, _, _) => []).Parse(line).InvokeAsync(
            new InvocationConfiguration { Output = output, EnableDefaultExceptionHandler = false }, TestContext.Current.CancellationToken);
        return output.ToString();
    }

    private static ConnectionRow Connection(string client, string frontend) => new(
        9,
        _row.Key with { Service = new ObjectName("kube-system", "metrics-server-of-the-cluster") },
        Protocol.Tcp,
        new AddressPort(Parse(client), 40000),
        new AddressPort(Parse(frontend), 30080),
        new AddressPort(Parse(client), 8080),
        new AddressPort(Parse(client), 1024),
        ConnectionState.HalfClosed,
        TimeSpan.FromSeconds(61),
        1536,
        100);

    private static Address Parse(string text) => Address.TryParse(text, out var address) ? address : throw new FormatException(text);

    private static string[] Cells<TRow>(IReadOnlyList<Column<TRow>> columns, TRow row) => [.. columns.Select(column => column.Cell(row))];
}
