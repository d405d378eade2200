namespace EbpfProxy.Logging;

/// <summary>Writes one line an event.</summary>
internal sealed class LineLogger(string name, LineWriter writer) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= writer.MinimumLevel && logLevel != LogLevel.None;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            writer.Write(new LogLine(logLevel, name, eventId.Id, formatter(state, exception), exception));
        }
    }
}

/// <summary>One event of the log.</summary>
internal readonly record struct LogLine(LogLevel Level, string Logger, int EventId, string Message, Exception? Exception);
