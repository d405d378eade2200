using System.Collections.Concurrent;
using EbpfProxy.Controller.Kubernetes;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Tests.Kubernetes;

/// <summary>Keeps the lines that were logged.</summary>
internal sealed class RecordingLog : ILogger<KubernetesSource>
{
    private readonly ConcurrentQueue<(LogLevel Level, int Id, string Text)> _lines = new();

    public IReadOnlyCollection<(LogLevel Level, int Id, string Text)> Lines => _lines;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((logLevel, eventId.Id, formatter(state, exception)));
}
