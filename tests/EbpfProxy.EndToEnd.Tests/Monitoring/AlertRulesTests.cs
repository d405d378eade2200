namespace EbpfProxy.EndToEnd.Tests.Monitoring;

/// <summary>What the rules of a test in a hurry have to do with those that ship.</summary>
public sealed class AlertRulesTests
{
    [Theory]
    [InlineData("  for: 5m", "  for: 2500ms")]
    [InlineData("  for: 1d", "  for: 5000ms")]
    [InlineData("increase(a_total[10m]) > 2", "increase(a_total[5000ms]) > 2")]
    [InlineData("changes(a[1h]) > 3", "changes(a[30000ms]) > 3")]
    [InlineData("max(age_seconds) > 600", "max(age_seconds) > 5")]
    [InlineData("time() - start_seconds < 600", "time() - start_seconds < 5")]
    [InlineData("time() - last_seconds > 60", "time() - last_seconds > 0.5")]
    [InlineData("connections > 0.9 * capacity", "connections > 0.9 * capacity")]
    [InlineData("up == 0", "up == 0")]
    public void Times_are_scaled_and_nothing_else(string shipped, string hurried) => Assert.Equal(hurried, AlertRules.Hurry(shipped));

    [Fact]
    public void Every_line_with_a_time_is_another_and_no_other_line()
    {
        var pairs = AlertRules.Shipped.Split('\n').Zip(AlertRules.Hurried.Split('\n')).ToList();

        Assert.All(pairs.Where(pair => pair.First != pair.Second), pair => Assert.Matches(@"for: \d|\[\d+[mh]\]|[<>] \d\d+", pair.First));
        Assert.Equal(pairs.Count(pair => pair.First.Contains(" for: ", StringComparison.Ordinal)), pairs.Count(pair => pair.Second.EndsWith("ms", StringComparison.Ordinal)));
        Assert.DoesNotMatch(@"\[\d+[smhd]\]|for: \d+[smhd]$", AlertRules.Hurried);
        Assert.Contains("EbpfProxyHearsNothing", AlertRules.Names);
    }
}
