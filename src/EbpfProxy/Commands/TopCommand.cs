using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`top`: what each service does now.</summary>
internal static class TopCommand
{
    private const string Help =
        """
        Show what each service does, live: drawn anew on a terminal, else one table after the other

        CONN/S      connections that got a backend, a second
        OPEN        those that are not over
        SENT/S      bytes to backends, a second: in packets from the IP header on, and with --socket-bytes of TCP sockets what was
                    acknowledged; - where none were counted and not all are
        RECEIVED/S  bytes from backends, a second
        REFUSED/S   connections that were refused or dropped, a second; why is in REFUSED

        Services that never did anything are left out. Press Ctrl-C to end it.

        ebpf-proxy top
        ebpf-proxy top --sort bytes --interval 5
        ebpf-proxy top --once -o json
        """;

    private static readonly IReadOnlyList<Column<TrafficRow>> _columns =
    [
        new("SERVICE", row => row.Tally.Service.ToString()) { Least = 24 },
        new("PROTOCOL", row => Words.Of(row.Tally.Service.Protocol), ColumnUse.IfRoom),
        new("CONN/S", row => row.Connections.ToString("0.0", CultureInfo.InvariantCulture)),
        new("OPEN", row => $"{row.Tally.Open}"),
        new("SENT/S", row => Words.OfBytes(row.Sent)),
        new("RECEIVED/S", row => Words.OfBytes(row.Received)),
        new("REFUSED/S", row => row.Refused.ToString("0.0", CultureInfo.InvariantCulture)),
        new("REFUSED", row => Words.Of(row.Tally.Refusals), ColumnUse.IfRoom),
    ];

    public static Command Create()
    {
        var output = OutputOption.CreateForList();
        var sort = new Option<string>("--sort") { Description = "What comes first: connections, open, bytes, refused or name", HelpName = "key", DefaultValueFactory = _ => "connections" };
        sort.AcceptOnlyFromAmong("connections", "open", "bytes", "refused", "name");
        var interval = new Option<int>("--interval") { Description = "Seconds between two looks", HelpName = "seconds", DefaultValueFactory = _ => 1 };
        var rounds = new Option<int>("--rounds", "-n") { Description = "End after so many; 0 for never", HelpName = "count" };
        var once = new Option<bool>("--once") { Description = "The same as --rounds 1" };
        var command = new DocumentedCommand("top", Help) { output, sort, interval, rounds, once, Cli.BpfFileSystem };
        interval.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 3600)
            {
                result.AddError("--interval: is not a number of seconds from 1 to 3600");
            }
        });
        rounds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 0)
            {
                result.AddError("--rounds: is not a number of rounds, or 0 for no end");
            }
        });
        command.SetAction(async (result, token) =>
        {
            string bpfFileSystem = result.GetRequiredValue(Cli.BpfFileSystem);
            var writer = result.InvocationConfiguration.Output;
            var form = OutputOption.FormOf(result, output);
            int left = result.GetValue(once) ? 1 : result.GetValue(rounds);
            var clock = Stopwatch.StartNew();
            var before = TallyView.Read(bpfFileSystem);
            var reader = OutputReader.Of(writer);
            bool isFirst = true;
            while (await reader.WaitAsync(TimeSpan.FromSeconds(result.GetRequiredValue(interval)), token))
            {
                var now = TallyView.Read(bpfFileSystem);
                var rows = Sort(TrafficRow.Between(before, now, clock.Elapsed), result.GetRequiredValue(sort));
                clock.Restart();
                before = now;
                Write(writer, Terminal.Of(writer), form, [.. rows.Where(HasDoneSomething)], isFirst);
                isFirst = false;
                await writer.FlushAsync(token);
                if (--left == 0)
                {
                    break;
                }
            }

            return 0;
        });
        return command;
    }

    internal static IEnumerable<TrafficRow> Sort(IEnumerable<TrafficRow> rows, string key) => key switch
    {
        "open" => rows.OrderByDescending(row => row.Tally.Open),
        "bytes" => rows.OrderByDescending(row => (row.Sent ?? 0) + (row.Received ?? 0)),
        "refused" => rows.OrderByDescending(row => row.Refused).ThenByDescending(row => row.Tally.Refusals.Sum),
        "name" => rows,
        _ => rows.OrderByDescending(row => row.Connections).ThenByDescending(row => row.Tally.Open),
    };

    private static bool HasDoneSomething(TrafficRow row) => row.Tally.Opened > 0 || row.Tally.Refusals.Sum > 0;

    internal static void Write(TextWriter writer, Terminal terminal, OutputForm form, IReadOnlyList<TrafficRow> rows, bool isFirst)
    {
        if (form == OutputForm.Json)
        {
            // A line a round, so that what reads it knows where one ends.
            writer.WriteLine(JsonSerializer.Serialize([.. rows.Select(TrafficJson.From)], ListJsonContext.Lines.IReadOnlyListTrafficJson));
            return;
        }

        // A document a round: the items of several would read as one list.
        writer.Write(form == OutputForm.Yaml && !isFirst ? "---\n" : "");
        if (OutputOption.TryWrite(writer, form, (IReadOnlyList<TrafficJson>)[.. rows.Select(TrafficJson.From)], ListJsonContext.Readable.IReadOnlyListTrafficJson))
        {
            return;
        }

        // On a terminal what does not fit is left out; elsewhere an empty line ends a round.
        writer.Write(terminal.IsTerminal ? Terminal.Clear : "");
        TextTable.Write(
            writer,
            form == OutputForm.Wide ? terminal with { Width = null } : terminal,
            _columns,
            rows.Take(terminal.Rows));
        if (!terminal.IsTerminal)
        {
            writer.WriteLine();
        }
    }
}
