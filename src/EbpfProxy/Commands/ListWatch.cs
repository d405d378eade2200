using System.Text.Json;
using System.Text.Json.Nodes;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>
/// `--watch`: the list again whenever it changes on a terminal, and elsewhere a line for each row that came, changed or
/// went. On a terminal what does not fit is left out. The maps tell nobody that they changed, so it looks every second.
/// </summary>
internal sealed class ListWatch<TRow, TJson>(ListCommand<TRow, TJson> list, OutputForm form, TextWriter writer, Func<Terminal> terminalNow)
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private Dictionary<string, (TRow Row, string Line)> _known = [];
    private Terminal? _drawnOn;

    /// <summary>Goes on for as long as somebody reads it. Returns the exit code.</summary>
    public async Task<int> RunAsync(Func<IReadOnlyList<TRow>> read, OutputReader reader, CancellationToken token)
    {
        do
        {
            Show(read());
            await writer.FlushAsync(token);
        }
        while (await reader.WaitAsync(_interval, token));

        return 0;
    }

    /// <summary>Shows what is otherwise than at the call before.</summary>
    internal void Show(IReadOnlyList<TRow> rows)
    {
        var now = new Dictionary<string, (TRow Row, string Line)>();
        foreach (var row in rows)
        {
            now[list.Key(row)] = (row, LineOf(row));
        }

        var terminal = terminalNow();
        if (terminal.IsTerminal && form is OutputForm.Text or OutputForm.Wide)
        {
            if (_drawnOn != terminal || HasClock || !now.Keys.SequenceEqual(_known.Keys) || now.Any(row => _known[row.Key].Line != row.Value.Line))
            {
                writer.Write(Terminal.Clear);
                list.Write(writer, terminal, form, [.. rows.Take(terminal.Rows)]);
                _drawnOn = terminal;
            }
        }
        else
        {
            WriteEvents(now, terminal);
        }

        _known = now;
    }

    private bool HasClock => list.Columns.Any(column => column.Use == ColumnUse.Clock);

    private void WriteEvents(Dictionary<string, (TRow Row, string Line)> now, Terminal terminal)
    {
        foreach (var (key, (row, _)) in _known.Where(row => !now.ContainsKey(row.Key)))
        {
            WriteEvent("REMOVED", row, terminal);
        }

        foreach (var (key, (row, line)) in now)
        {
            if (!_known.TryGetValue(key, out var before))
            {
                WriteEvent("ADDED", row, terminal);
            }
            else if (before.Line != line)
            {
                WriteEvent("CHANGED", row, terminal);
            }
        }
    }

    private void WriteEvent(string type, TRow row, Terminal terminal)
    {
        if (form == OutputForm.Json)
        {
            var line = new JsonObject { ["type"] = type, ["object"] = JsonSerializer.SerializeToNode(list.ToJson(row), list.RowType) };
            writer.WriteLine(line.ToJsonString());
            return;
        }

        // Tabs, because no width is known of rows that are to come.
        writer.WriteLine(string.Join('\t', list.ColumnsOf(form).Select(column => Words.Printable(column.Cell(row))).Prepend(terminal.Coloured(type, type))));
    }

    /// <summary>What of a row counts as a change.</summary>
    private string LineOf(TRow row) =>
        string.Join('\t', list.ColumnsOf(form).Where(column => column.Use != ColumnUse.Clock).Select(column => column.Cell(row)));
}
