using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Tests;

/// <summary>Keeps what is told.</summary>
internal sealed class LogLines : ILogger
{
    private readonly List<string> _all = [];

    /// <summary>Hears each line, before whoever tells it goes on.</summary>
    public Action<string>? WhenTold { get; set; }

    public IReadOnlyList<string> All
    {
        get
        {
            lock (_all)
            {
                return [.. _all];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        string line = formatter(state, exception);
        lock (_all)
        {
            _all.Add(line);
        }

        WhenTold?.Invoke(line);
    }
}
