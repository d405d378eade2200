using Microsoft.Extensions.Logging;

namespace EbpfProxy.Logging;

/// <summary>Makes loggers that share one writer.</summary>
internal sealed class LineLoggerProvider(LineWriter writer) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) =>
        new LineLogger(categoryName[(categoryName.LastIndexOf('.') + 1)..], categoryName.StartsWith("Microsoft.", StringComparison.Ordinal) ? writer.ForFrameworks() : writer);

    public void Dispose()
    {
    }
}
