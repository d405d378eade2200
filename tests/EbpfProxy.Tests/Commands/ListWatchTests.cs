using System.Globalization;
using EbpfProxy.Commands;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Output;

namespace EbpfProxy.Tests.Commands;

public sealed class ListWatchTests : IDisposable
{
    private static readonly ListCommand<TableFill, MapJson> _list = new("maps", "")
    {
        Columns =
        [
            new("MAP", fill => fill.Table),
            new("IN USE", fill => $"{fill.InUse}"),
            new("AGE", fill => $"{fill.Capacity}", ColumnUse.Clock),
        ],
        Key = fill => fill.Table,
        ToJson = MapJson.From,
        ListType = ListJsonContext.Readable.IReadOnlyListMapJson,
        RowType = ListJsonContext.Readable.MapJson,
    };

    private readonly StringWriter _output = new(CultureInfo.InvariantCulture);

    public void Dispose() => _output.Dispose();

    [Fact]
    public void Off_a_terminal_there_is_a_line_for_each_row_that_came_changed_or_went()
    {
        var watch = new ListWatch<TableFill, MapJson>(_list, OutputForm.Text, _output, () => Terminal.None);

        watch.Show([new("sets", 1, 1), new("peers", 1, 1)]);
        watch.Show([new("sets", 2, 2), new("peers", 1, 2)]);
        watch.Show([new("sets", 2, 3)]);

        Assert.Equal("ADDED\tsets\t1\t1\nADDED\tpeers\t1\t1\nCHANGED\tsets\t2\t2\nREMOVED\tpeers\t1\t2\n", _output.ToString());
    }

    /// <summary>Who runs a process gives it its name, of any bytes but 0, and others see that on their terminals.</summary>
    [Fact]
    public void Names_that_others_chose_move_no_cursor_and_begin_no_line()
    {
        string name = "a\e[31m\nroot:b\u009b";
        var watch = new ListWatch<TableFill, MapJson>(_list, OutputForm.Text, _output, () => Terminal.None);

        watch.Show([new(name, 1, 1)]);
        TextTable.Write(_output, Terminal.None, _list.Columns, [new TableFill(name, 1, 1)]);
        var backend = new AddressPort(Address.FromIPv4(0x0a000001), 80);
        _output.WriteLine(TraceCommand.LineOf(new FlowEvent(default, Reason.Translated, Protocol.Tcp, null, backend, backend, null, 7, name, 0), Terminal.None));

        string[] lines = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.All(lines.Where(line => !line.StartsWith("MAP", StringComparison.Ordinal)), line => Assert.Contains("a?[31m?root:b?", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Json_is_a_line_for_each_too()
    {
        var watch = new ListWatch<TableFill, MapJson>(_list, OutputForm.Json, _output, () => Terminal.None);

        watch.Show([new("sets", 1, 4)]);
        watch.Show([]);

        string[] lines = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["ADDED", "REMOVED"], lines.Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("type").GetString()));
        Assert.Contains("\"inUse\":1", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_terminal_it_is_drawn_anew_at_the_top()
    {
        var watch = new ListWatch<TableFill, MapJson>(_list, OutputForm.Text, _output, () => new Terminal(80, HasColours: false));

        watch.Show([new("sets", 1, 1)]);
        watch.Show([new("sets", 2, 1)]);

        Assert.Equal(2, _output.ToString().Split(Terminal.Clear).Length - 1);
        Assert.EndsWith("MAP    IN USE   AGE\nsets   2        1\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Terminal_that_changes_its_size_is_drawn_anew_with_what_fits_there()
    {
        var terminal = new Terminal(80, HasColours: false) { Height = 5 };
        var watch = new ListWatch<TableFill, MapJson>(_list, OutputForm.Text, _output, () => terminal);
        TableFill[] rows = [new("sets", 1, 1), new("peers", 1, 1), new("names", 1, 1)];

        watch.Show(rows);
        terminal = terminal with { Height = 4, Width = 40 };
        watch.Show(rows);

        Assert.Equal(
            $"{Terminal.Clear}MAP     IN USE   AGE\nsets    1        1\npeers   1        1\n{Terminal.Clear}MAP    IN USE   AGE\nsets   1        1\n", _output.ToString());
    }
}
