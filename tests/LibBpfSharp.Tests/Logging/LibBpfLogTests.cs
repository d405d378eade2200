namespace LibBpfSharp.Tests.Logging;

public sealed class LibBpfLogTests
{
    [Fact]
    public void Every_line_of_libbpf_comes_to_the_handler()
    {
        var lines = new List<(LibBpfLogLevel Level, string Text)>();
        int thread = Environment.CurrentManagedThreadId;
        LibBpfLog.SetHandler((level, text) =>
        {
            if (Environment.CurrentManagedThreadId == thread)
            {
                lines.Add((level, text));
            }
        });

        try
        {
            using var sample = Sample.Open();
        }
        finally
        {
            LibBpfLog.SetHandler(null);
        }

        Assert.Contains(lines, line => line.Level == LibBpfLogLevel.Debug && line.Text.Contains("'table'", StringComparison.Ordinal));
    }

    [Fact]
    public void A_handler_that_throws_harms_nobody()
    {
        LibBpfLog.SetHandler((_, _) => throw new InvalidOperationException("on purpose"));

        try
        {
            using var sample = Sample.Open();
            Assert.NotEmpty(sample.Maps);
        }
        finally
        {
            LibBpfLog.SetHandler(null);
        }
    }
}
