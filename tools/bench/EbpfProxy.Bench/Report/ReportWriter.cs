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
        var connections = Rounds.Read(Path.Combine(results, "connections.csv"));
        var requests = Rounds.Read(Path.Combine(results, "requests.csv"));
        var text = new StringBuilder();
        Line(text, $"{Machine.Describe()}\n");
        WriteGoals(text, Goals.Of(connections, requests, new ControlFigures(Path.Combine(results, "control.csv"))));
        Line(text, $"\n![ratios to a bare node](benchmarks.svg)\n");
        WriteRatios(text, "connect, request, close", connections);
        WriteRatios(text, "requests on one connection", requests);
        WritePrograms(text, Path.Combine(results, "programs.csv"));
        File.WriteAllText(
            Path.Combine(folder, "benchmarks.svg"), Plot.Draw(("connect, request, close", connections), ("requests on one connection", requests)));
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

    private static void WriteRatios(StringBuilder text, string title, IReadOnlyList<Ratio> ratios)
    {
        Line(text, $"| {title}, against a bare node | rate | middle half of the rounds | median time of one |\n|---|---|---|---|");
        foreach (var ratio in ratios)
        {
            Line(text, $"| {VariantNames.Of(ratio.Variant)} | {ratio.Median:0.000} | {ratio.Low:0.000} to {ratio.High:0.000} | {ratio.Time:0.000} |");
        }

        Line(text, $"");
    }

    private static void WritePrograms(StringBuilder text, string path)
    {
        if (!File.Exists(path))
        {
            return;
        }

        Line(text, $"| program, in a connection | ns a run | runs a connection |\n|---|---|---|");
        foreach (string[] cells in File.ReadLines(path).Select(line => line.Split(',')))
        {
            Line(text, $"| {cells[2]}, {VariantNames.Of(cells[1])} | {cells[3]} | {cells[4]} |");
        }

        Line(text, $"");
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
