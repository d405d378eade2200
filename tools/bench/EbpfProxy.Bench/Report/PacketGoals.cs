namespace EbpfProxy.Bench.Report;

/// <summary>The goals of the packet path. A way that was not measured has none.</summary>
internal static class PacketGoals
{
    private static readonly (string Variant, double Connections, double Requests)[] _goals =
    [
        ("fast-masked", 0.97, 1.00),
        ("fast-kept", 0.97, 1.00),
        ("stack-masked", 0.92, 0.95),
        ("stack-kept", 0.92, 0.95),
        ("passing", 0.98, 0.98),
    ];

    public static IEnumerable<Goal> Of(Measurement connections, Measurement requests, TestRun testRun)
    {
        var ratios = Against(connections, goal => goal.Connections).Concat(Against(requests, goal => goal.Requests));
        var far = Far(connections).Concat(Far(requests));
        return ratios.Concat(far).Concat(Cost(testRun));
    }

    private static IEnumerable<Goal> Against(Measurement measured, Func<(string, double Connections, double Requests), double> wanted) =>
        from goal in _goals
        from ratio in measured.Ratios
        where ratio.Variant == goal.Variant
        select Least($"{measured.Title}: {VariantNames.Of(goal.Variant)}", ratio.Median, wanted(goal));

    private static IEnumerable<Goal> Far(Measurement measured) =>
        from ratio in measured.Against("nftables-far")
        where ratio.Variant is "stack-far" or "fast-far"
        select Least($"{measured.Title}: {VariantNames.Of(ratio.Variant)}, against kube-proxy's nftables", ratio.Median, 1.2);

    private static IEnumerable<Goal> Cost(TestRun testRun)
    {
        if (testRun.Nanoseconds is { } nanoseconds)
        {
            yield return Most("a packet of an established flow, test run", nanoseconds, 120, "ns");
        }

        foreach (var (program, instructions, budget) in testRun.Programs)
        {
            yield return Most($"verified instructions, {program}", instructions, budget, "");
        }
    }

    private static Goal Least(string what, double measured, double wanted) => new(
        what, FormattableString.Invariant($"{wanted:0.00}"), FormattableString.Invariant($"{measured:0.000}"), measured >= wanted);

    private static Goal Most(string what, double measured, double wanted, string unit) => new(
        what, FormattableString.Invariant($"{wanted:#,0} {unit}").TrimEnd(), FormattableString.Invariant($"{measured:#,0}"), measured <= wanted);
}
