using System.Globalization;
using System.Text.Json;
using EbpfProxy.Logging;
using EbpfProxy.Options;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace EbpfProxy.Tests.Logging;

public sealed class LineWriterTests : IDisposable
{
    private readonly StringWriter _output = new(CultureInfo.InvariantCulture);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero));

    public void Dispose() => _output.Dispose();

    [Fact]
    public void A_line_of_text_has_the_header_of_klog()
    {
        Write(LogFormat.Text, new LogLine(LogLevel.Warning, "SyncLoop", 3503, "Could not write", new IOException("update services:\nENOMEM")));

        Assert.Equal(
            $"W0102 03:04:05.678000 {Environment.ProcessId,7} SyncLoop] Could not write err=\"update services:\\nENOMEM\"\n",
            _output.ToString());
    }

    [Fact]
    public void A_line_of_json_is_an_object()
    {
        Write(LogFormat.Json, new LogLine(LogLevel.Information, "SyncLoop", 3501, "two\nlines", null));

        using var json = JsonDocument.Parse(Assert.Single(_output.ToString().TrimEnd('\n').Split('\n')));
        Assert.Equal("two\nlines", json.RootElement.GetProperty("msg").GetString());
        Assert.Equal(3501, json.RootElement.GetProperty("id").GetInt32());
        Assert.Equal(1767323045678, json.RootElement.GetProperty("ts").GetInt64());
    }

    [Theory]
    [InlineData(0, LogLevel.Information)]
    [InlineData(4, LogLevel.Debug)]
    [InlineData(6, LogLevel.Trace)]
    public void Verbosity_decides_what_is_told(int verbosity, LogLevel least)
    {
        var writer = new LineWriter(_output, LogFormat.Text, verbosity, _time);
        var ours = new LineLoggerProvider(writer).CreateLogger("EbpfProxy.X");
        var theirs = new LineLoggerProvider(writer).CreateLogger("Microsoft.X");

        Assert.True(ours.IsEnabled(least));
        Assert.False(ours.IsEnabled(least - 1));
        Assert.False(theirs.IsEnabled(LogLevel.Information));
    }

    [Fact]
    public void A_line_that_cannot_be_written_is_lost_and_nothing_else_is()
    {
        using var full = new StreamWriter(new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)) { AutoFlush = true };
        var writer = new LineWriter(full, LogFormat.Text, 0, _time);

        var fault = Record.Exception(() => writer.Write(new LogLine(LogLevel.Warning, "SyncLoop", 3503, "The disk of the log is full", null)));

        Assert.Null(fault);
    }

    private void Write(LogFormat format, LogLine line) => new LineWriter(_output, format, 0, _time).Write(line);
}
