using System.Globalization;

namespace EbpfProxy.Bench.Report;

/// <summary>A variant against another one: the median of the rounds' ratios with the quartiles, and of the median times.</summary>
internal readonly record struct Ratio(string Variant, double Median, double Low, double High, double Time);

/// <summary>What `connect measure` told: each round holds every variant once, and is compared within itself.</summary>
internal static class Rounds
{
    public static IReadOnlyList<Ratio> Read(string path, string other)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        var rounds = File.ReadLines(path)
            .Select(line => line.Split(','))
            .GroupBy(cells => cells[1], cells => (Variant: cells[2], Rate: Number(cells[3]), Time: Number(cells[4])))
            .Select(round => round.ToDictionary(row => row.Variant))
            .ToList();
        return rounds.Count == 0 ? [] : [.. rounds[0].Keys.Where(name => name != other).Order().Select(name => Compare(rounds, name))];

        Ratio Compare(List<Dictionary<string, (string Variant, double Rate, double Time)>> all, string name)
        {
            var whole = all.Where(round => round.ContainsKey(name) && round.ContainsKey(other)).ToList();
            var rates = whole.Select(round => round[name].Rate / round[other].Rate).ToList();
            var times = whole.Select(round => round[name].Time / round[other].Time).ToList();
            return new Ratio(
                name, Statistics.Quantile(rates, 0.5), Statistics.Quantile(rates, 0.25), Statistics.Quantile(rates, 0.75), Statistics.Quantile(times, 0.5));
        }
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
