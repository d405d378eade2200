using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EbpfProxy.Options;

namespace EbpfProxy.Logging;

/// <summary>
/// Writes events as lines, so that what reads them line by line reads whole events: kube-proxy's own form (klog) or JSON.
/// </summary>
/// <param name="output">Where the lines go.</param>
/// <param name="format">Their form.</param>
/// <param name="verbosity">kube-proxy's -v: 4 shows Debug, 6 shows Trace.</param>
/// <param name="time">The clock.</param>
internal sealed class LineWriter(TextWriter output, LogFormat format, int verbosity, TimeProvider time)
{
    public LogLevel MinimumLevel { get; private init; } = verbosity switch
    {
        >= 6 => LogLevel.Trace,
        >= 4 => LogLevel.Debug,
        _ => LogLevel.Information,
    };

    /// <summary>A writer for the log of the libraries, which is more talkative than ours.</summary>
    public LineWriter ForFrameworks() => new(output, format, verbosity, time)
    {
        MinimumLevel = verbosity >= 8 ? LogLevel.Trace : LogLevel.Warning,
    };

    public void Write(in LogLine line)
    {
        string text = format == LogFormat.Json ? ToJson(line) : ToText(line);
        lock (output)
        {
            try
            {
                output.WriteLine(text);
            }
            catch (IOException)
            {
                // The disk of the log is full, say. That line is lost, as with klog; what it tells of goes on.
            }
        }
    }

    /// <summary>As klog: level and date, time, process, where, message.</summary>
    private string ToText(in LogLine line)
    {
        var text = new StringBuilder();
        text.Append(line.Level switch
        {
            LogLevel.Critical => 'F',
            LogLevel.Error => 'E',
            LogLevel.Warning => 'W',
            _ => 'I',
        });
        text.Append(time.GetUtcNow().UtcDateTime.ToString("MMdd HH:mm:ss.ffffff", CultureInfo.InvariantCulture));
        text.Append(CultureInfo.InvariantCulture, $" {Environment.ProcessId,7} {line.Logger}] ");
        AppendOnOneLine(text, line.Message);
        if (line.Exception is { } exception)
        {
            text.Append(" err=\"");
            AppendOnOneLine(text, Describe(exception));
            text.Append('"');
        }

        return text.ToString();
    }

    private string ToJson(in LogLine line)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("ts", time.GetUtcNow().ToUnixTimeMilliseconds());
            json.WriteString("level", line.Level.ToString());
            json.WriteString("logger", line.Logger);
            json.WriteNumber("id", line.EventId);
            json.WriteString("msg", line.Message);
            if (line.Exception is { } exception)
            {
                json.WriteString("err", Describe(exception));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private string Describe(Exception exception) => verbosity >= 4 ? exception.ToString() : exception.Message;

    private static void AppendOnOneLine(StringBuilder text, string message)
    {
        foreach (char c in message)
        {
            _ = c switch
            {
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                < ' ' and not '\t' => text.Append('?'),
                _ => text.Append(c),
            };
        }
    }
}
