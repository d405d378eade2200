using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Manifests;

/// <summary>Event ids 3520 to 3539.</summary>
internal static partial class Log
{
    [LoggerMessage(3520, LogLevel.Information, "Read {Files} files in {Folder}: {Services} Services, {Slices} EndpointSlices")]
    public static partial void Read(ILogger logger, int files, string folder, int services, int slices);

    [LoggerMessage(3521, LogLevel.Warning, "{File} line {Line}: {Kind} of \"{ApiVersion}\" is of no use to the proxy and ignored, here and elsewhere")]
    public static partial void KindIgnored(ILogger logger, string file, long line, string kind, string apiVersion);

    [LoggerMessage(3522, LogLevel.Warning, "Cannot read {Path}, what was read of it before stays: {Reason}")]
    public static partial void Unreadable(ILogger logger, string path, string reason);

    [LoggerMessage(3523, LogLevel.Warning, "Cannot be told of changes in {Folder}, so it is looked at every {Seconds} s: {Reason}")]
    public static partial void NotWatched(ILogger logger, string folder, double seconds, string reason);
}
