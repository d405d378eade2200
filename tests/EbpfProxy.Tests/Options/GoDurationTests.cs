using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

public sealed class GoDurationTests
{
    [Theory]
    [InlineData("30s", 30)]
    [InlineData("1m30s", 90)]
    [InlineData("1h0m0s", 3600)]
    [InlineData("500ms", 0.5)]
    [InlineData("1.5h", 5400)]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("-5s", -5)]
    [InlineData("100us", 0.0001)]
    public void Durations_are_read_as_go_writes_them(string text, double seconds)
    {
        Assert.True(GoDuration.TryParse(text, out var value));
        Assert.Equal(seconds, value.TotalSeconds, precision: 6);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("5 s")]
    [InlineData("1d")]
    [InlineData("1..5s")]
    [InlineData("-")]
    [InlineData("999999999999999999999h")]
    public void What_go_would_not_read_is_refused(string text)
    {
        Assert.False(GoDuration.TryParse(text, out _));
    }

    [Theory]
    [InlineData("0", "0s")]
    [InlineData("100ns", "100ns")]
    [InlineData("1.5us", "1.5µs")]
    [InlineData("250ms", "250ms")]
    [InlineData("1500ms", "1.5s")]
    [InlineData("60s", "1m0s")]
    [InlineData("1h", "1h0m0s")]
    [InlineData("25h61m1.5s", "26h1m1.5s")]
    [InlineData("-90s", "-1m30s")]
    public void It_is_written_as_Go_writes_it(string text, string expected)
    {
        Assert.True(GoDuration.TryParse(text, out var value));

        Assert.Equal(expected, GoDuration.Format(value));
    }
}
