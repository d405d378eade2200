using System.Globalization;
using System.Text.RegularExpressions;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>The alert rules that ship, in the form that Prometheus itself reads: what stands below `spec:`.</summary>
internal static partial class AlertRules
{
    /// <summary>By how much a time is shortened: ten minutes are five seconds.</summary>
    private const int Factor = 120;

    /// <summary>An alert may have to wait for a day, and a test waits for no more than this.</summary>
    private static readonly TimeSpan _longestWait = TimeSpan.FromSeconds(5);

    /// <summary>As they are.</summary>
    public static string Shipped { get; } = Read();

    /// <summary>
    /// The same in a hurry. Only times differ: each `for`, each range and each age that an expression compares with (a number of
    /// two or more digits) is a hundred and twentieth of what it was, and a `for` five seconds at most.
    /// </summary>
    public static string Hurried { get; } = Hurry(Shipped);

    /// <summary>The names of all alerts.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. AlertName().Matches(Shipped).Select(match => match.Groups[1].Value)];

    internal static string Hurry(string rules)
    {
        rules = Wait().Replace(rules, match => match.Groups[1].Value + Text(Min(Shorten(match.Groups[2].Value), _longestWait)));
        rules = Range().Replace(rules, match => $"[{Text(Shorten(match.Groups[1].Value))}]");
        return Age().Replace(rules, match =>
            match.Groups[1].Value + (double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) / Factor).ToString(CultureInfo.InvariantCulture));
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0}ms");

    private static TimeSpan Shorten(string duration)
    {
        int count = int.Parse(duration.AsSpan(0, duration.Length - 1), CultureInfo.InvariantCulture);
        var time = duration[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMinutes(count),
            'h' => TimeSpan.FromHours(count),
            'd' => TimeSpan.FromDays(count),
            _ => throw new FormatException(duration),
        };
        return time / Factor;
    }

    private static string Read()
    {
        var lines = File.ReadLines(Path.Combine(Repository.Path!, "deploy/components/prometheus/rules.yaml"));
        return string.Join('\n', lines.SkipWhile(line => line != "spec:").Skip(1).Select(line => line[2..])) + "\n";
    }

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex AlertName();

    [GeneratedRegex(@"( for: )(\d+[smhd])$", RegexOptions.Multiline)]
    private static partial Regex Wait();

    [GeneratedRegex(@"\[(\d+[smhd])\]")]
    private static partial Regex Range();

    [GeneratedRegex(@"([<>] )(\d{2,})\b")]
    private static partial Regex Age();
}
