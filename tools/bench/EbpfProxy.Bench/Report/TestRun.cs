using System.Globalization;
using System.Text.RegularExpressions;

namespace EbpfProxy.Bench.Report;

/// <summary>What tools/bench/packets.sh told: nanoseconds of a packet, and instructions of each program.</summary>
internal sealed partial class TestRun(string path)
{
    public IReadOnlyList<string> Lines { get; } = File.Exists(path) ? [.. File.ReadLines(path).Where(line => line.Length > 0)] : [];

    /// <summary>Of the median round; null where nothing was measured.</summary>
    public double? Nanoseconds => Lines.Select(line => Median().Match(line)).FirstOrDefault(match => match.Success) is { } found
        ? double.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture)
        : null;

    /// <summary>Each program with the instructions that the verifier walks through and how many it may.</summary>
    public IEnumerable<(string Program, double Instructions, double Budget)> Programs => Lines
        .Select(line => Budget().Match(line))
        .Where(match => match.Success)
        .Select(match => (
            match.Groups[1].Value,
            double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture),
            double.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"ns a packet.* (\d+) in the middle")]
    private static partial Regex Median();

    [GeneratedRegex(@"^(\w+): (\d+) verified instructions of (\d+)")]
    private static partial Regex Budget();
}
