namespace EbpfProxy.Bench.Report;

/// <summary>One line of the table: what was wanted and what was measured.</summary>
internal readonly record struct Goal(string What, string Wanted, string Measured, bool IsReached);

/// <summary>The goals, and how far they are reached.</summary>
internal static class Goals
{
    public static IEnumerable<Goal> OfSockets(Measurement connections, Measurement requests) =>
        Sockets(connections, ("service-of-10", 0.98, false), ("service-of-10000", 0.98, false), ("beside", 0.99, true))
            .Concat(Sockets(requests, ("service-of-10000", 1.00, true), ("beside", 0.99, true)));

    public static IEnumerable<Goal> OfControl(ControlFigures control) => control.Any ? Control(control) : [];

    private static IEnumerable<Goal> Sockets(
        Measurement measured, params (string Variant, double Wanted, bool WithinNoise)[] goals)
    {
        var ratios = measured.Ratios;
        if (ratios.Count == 0)
        {
            yield break;
        }

        // What "within noise" is: how far the bare node is from itself.
        double noise = Math.Abs(1 - ratios.First(r => r.Variant == "bare-again").Median);
        foreach (var (variant, wanted, withinNoise) in goals)
        {
            var ratio = ratios.First(r => r.Variant == variant);
            yield return new Goal(
                $"{measured.Title}: {VariantNames.Of(variant)}",
                FormattableString.Invariant($"{wanted:0.00}{(withinNoise ? " within noise" : "")}"),
                FormattableString.Invariant($"{ratio.Median:0.000}"),
                ratio.Median >= wanted - (withinNoise ? noise : 0));
        }
    }

    private static IEnumerable<Goal> Control(ControlFigures control)
    {
        foreach (var (cluster, seconds) in new[] { ("10000x10", 1.0), ("5000x50", 2.0), ("44000x1", 2.5), ("10000x10-streamed", 1.0) })
        {
            yield return Most($"start to last map written, {cluster}", control.Of("start", cluster, 0), seconds, "s");
        }

        yield return Most("restart with nothing changed, 10000x10", control.Of("restart", "10000x10", 1, 1), 0, "map writes");
        yield return Most("one endpoint change of 10000x10, median", control.Of("change", "10000x10", 0), 2, "ms");
        yield return Most("one endpoint change of 10000x10, p99", control.Of("change", "10000x10", 0, 0.99), 10, "ms");
        yield return Most("map writes of one change, 10 endpoints (most)", control.Of("change", "10000x10", 1, 1), 10 + 6, "map writes");
        foreach (var (cluster, mebibytes) in new[] { ("0x0", 30), ("10000x10", 45), ("5000x50", 80) })
        {
            var resident = Most($"resident memory, {cluster}", control.Of("memory", cluster, 0) / 1024, mebibytes, "MiB");
            double maps = control.Of("memory", cluster, 3) / 1024;
            yield return resident with { Measured = FormattableString.Invariant($"{resident.Measured} (and maps {maps:0.0})") };
        }

        yield return Most("binary", control.Of("binary", "", 0) / (1 << 20), 20, "MiB");
    }

    private static Goal Most(string what, double measured, double wanted, string unit) => new(
        what,
        FormattableString.Invariant($"{wanted:0.##} {unit}"),
        FormattableString.Invariant($"{measured:0.##}"),
        measured <= wanted);
}
