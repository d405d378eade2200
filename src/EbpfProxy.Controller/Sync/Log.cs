using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Sync;

/// <summary>Event ids 3500 to 3519.</summary>
internal static partial class Log
{
    [LoggerMessage(3501, LogLevel.Information, "Applied {Services} services with {Writes} map writes in {Milliseconds:0.0} ms")]
    public static partial void Applied(ILogger logger, int services, int writes, double milliseconds);

    [LoggerMessage(3502, LogLevel.Debug, "Looked at {Services} services in {Milliseconds:0.0} ms; the maps hold them already")]
    public static partial void Unchanged(ILogger logger, int services, double milliseconds);

    [LoggerMessage(3503, LogLevel.Warning, "Could not write the maps; trying again with every service in {Seconds} s")]
    public static partial void ApplyFailed(ILogger logger, double seconds, Exception exception);
}
