namespace EbpfProxy.Logging;

/// <summary>Makes loggers that share one writer.</summary>
internal sealed class LineLoggerProvider(LineWriter writer) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName)
    {
        bool isFramework = categoryName.StartsWith("Microsoft.", StringComparison.Ordinal);
        return new LineLogger(categoryName[(categoryName.LastIndexOf('.') + 1)..], isFramework ? writer.ForFrameworks() : writer);
    }

    public void Dispose()
    {
    }
}
