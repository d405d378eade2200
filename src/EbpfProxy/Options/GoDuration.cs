using System.Buffers;
using System.Globalization;

namespace EbpfProxy.Options;

/// <summary>Durations as Go writes them: a row of numbers with units, as in 1h30m or 500ms.</summary>
internal static class GoDuration
{
    private static readonly SearchValues<char> _digits = SearchValues.Create("0123456789.");

    public static bool TryParse(string text, out TimeSpan value)
    {
        value = default;
        bool isNegative = text.StartsWith('-');
        var rest = text.AsSpan(text.StartsWith('-') || text.StartsWith('+') ? 1 : 0);
        if (rest is "0")
        {
            return true;
        }

        double seconds = 0;
        bool isAny = false;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(_digits);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
            {
                return false;
            }

            rest = rest[digits..];
            int end = rest.IndexOfAny(_digits);
            var unit = end < 0 ? rest : rest[..end];
            if (SecondsOf(unit) is not { } scale)
            {
                return false;
            }

            seconds += number * scale;
            rest = rest[unit.Length..];
            isAny = true;
        }

        if (!isAny || seconds > TimeSpan.MaxValue.TotalSeconds / 2)
        {
            return false;
        }

        value = TimeSpan.FromSeconds(isNegative ? -seconds : seconds);
        return true;
    }

    /// <summary>As Go prints it: 1h0m0s, 1.5s, 250ms, 0s.</summary>
    public static string Format(TimeSpan value)
    {
        string sign = value < TimeSpan.Zero ? "-" : "";
        var magnitude = value.Duration();
        if (magnitude < TimeSpan.FromSeconds(1))
        {
            return magnitude switch
            {
                _ when magnitude == TimeSpan.Zero => "0s",
                _ when magnitude < TimeSpan.FromMicroseconds(1) => $"{sign}{Number(magnitude.TotalNanoseconds)}ns",
                _ when magnitude < TimeSpan.FromMilliseconds(1) => $"{sign}{Number(magnitude.TotalMicroseconds)}µs",
                _ => $"{sign}{Number(magnitude.TotalMilliseconds)}ms",
            };
        }

        long minutes = (long)magnitude.TotalMinutes;
        string seconds = $"{Number((magnitude - TimeSpan.FromMinutes(minutes)).TotalSeconds)}s";
        return minutes switch
        {
            0 => $"{sign}{seconds}",
            < 60 => $"{sign}{minutes}m{seconds}",
            _ => $"{sign}{minutes / 60}h{minutes % 60}m{seconds}",
        };
    }

    private static string Number(double value) => value.ToString("0.#########", CultureInfo.InvariantCulture);

    private static double? SecondsOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1e-9,
        "us" or "µs" or "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => null,
    };
}
