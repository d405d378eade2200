using System.Globalization;
using System.Text;

namespace EbpfProxy.Bench.Report;

/// <summary>Writes what was measured: a plot, and the tables between two marks of a page, whose other words stay.</summary>
internal static class ReportWriter
{
    private const string Begin = "<!-- figures: written by make bench -->";
    private const string End = "<!-- end of figures -->";

    public static void Write(string results, string folder)
    {
        Measurement[] sockets =
        [
            new("connect, request, close", Path.Combine(results, "connections.csv")),
            new("requests on one connection", Path.Combine(results, "requests.csv")),
        ];
        Measurement[] packets =
        [
            new("from outside: connect, request, close", Path.Combine(results, "packet-connections.csv")),
            new("from outside: requests on one connection", Path.Combine(results, "packet-requests.csv")),
        ];
        var testRun = new TestRun(Path.Combine(results, "test-run.txt"));
        var text = new StringBuilder();
        Line(text, $"{Machine.Describe()}\n");
        WriteGoals(
            text,
            [
                .. Goals.OfSockets(sockets[0], sockets[1]),
                .. PacketGoals.Of(packets[0], packets[1], testRun),
                .. Goals.OfControl(new ControlFigures(Path.Combine(results, "control.csv"))),
            ]);
        Line(text, $"\n![ratios to a bare node](benchmarks.svg)\n");
        Measurement[] measured = [.. sockets.Concat(packets).Where(measurement => measurement.Ratios.Count > 0)];
        foreach (var measurement in measured)
        {
            WriteRatios(text, measurement);
        }

        WritePrograms(text, Path.Combine(results, "programs.csv"), Path.Combine(results, "packet-programs.csv"));
        foreach (string line in testRun.Lines.Where(line => line.StartsWith("ns ", StringComparison.Ordinal)))
        {
            Line(text, $"Test run, {line}.\n");
        }

        File.WriteAllText(Path.Combine(folder, "benchmarks.svg"), Plot.Draw(measured));
        string page = Path.Combine(folder, "benchmarks.md");
        File.WriteAllText(page, Replace(File.Exists(page) ? File.ReadAllText(page) : $"{Begin}\n{End}\n", text.ToString()));
        Console.WriteLine(text);
        Console.WriteLine($"bench: {page}");
    }

    private static string Replace(string page, string figures)
    {
        int begin = page.IndexOf(Begin, StringComparison.Ordinal);
        int end = page.IndexOf(End, StringComparison.Ordinal);
        return begin < 0 || end < begin
            ? throw new InvalidDataException($"the page has no place for figures: \"{Begin}\" and \"{End}\"")
            : $"{page[..begin]}{Begin}\n{figures}{page[end..]}";
    }

    private static void WriteGoals(StringBuilder text, IEnumerable<Goal> goals)
    {
        Line(text, $"| what | reach | measured | |\n|---|---|---|---|");
        foreach (var goal in goals)
        {
            Line(text, $"| {goal.What} | {goal.Wanted} | {goal.Measured} | {(goal.IsReached ? "yes" : "**no**")} |");
        }
    }

    private static void WriteRatios(StringBuilder text, Measurement measured)
    {
        Line(text, $"| {measured.Title}, against a bare node | rate | middle half of the rounds | median time of one |\n|---|---|---|---|");
        foreach (var ratio in measured.Ratios)
        {
            Line(text, $"| {VariantNames.Of(ratio.Variant)} | {ratio.Median:0.000} | {ratio.Low:0.000} to {ratio.High:0.000} | {ratio.Time:0.000} |");
        }

        Line(text, $"");
    }

    private static void WritePrograms(StringBuilder text, params IEnumerable<string> paths)
    {
        string[][] rows = [.. paths.Where(File.Exists).SelectMany(File.ReadLines).Select(line => line.Split(','))];
        if (rows.Length == 0)
        {
            return;
        }

        Line(text, $"| program, in a connection | ns a run | runs a connection |\n|---|---|---|");
        foreach (string[] cells in rows)
        {
            Line(text, $"| {cells[2]}, {VariantNames.Of(cells[1])} | {cells[3]} | {cells[4]} |");
        }

        Line(text, $"");
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
