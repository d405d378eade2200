using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath;

/// <summary>Event ids 2000 to 2999.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Information, "Opened the tables in {Path}: {State}")]
    public static partial void Opened(ILogger logger, string path, string state);

    [LoggerMessage(2001, LogLevel.Information, "Attached {Attached} programs and replaced {Replaced} on {Cgroup}")]
    public static partial void Attached(ILogger logger, int attached, int replaced, string cgroup);

    [LoggerMessage(2003, LogLevel.Information, "Made the table of socket peers larger: it holds {Capacity} now")]
    public static partial void PeersGrown(ILogger logger, uint capacity);

    [LoggerMessage(2010, LogLevel.Warning, "The table of socket peers stays at {Capacity}: more than half of it is in use, and the sockets of all open files could not fill it; the rest was left by sockets of the kernel")]
    public static partial void PeersAtLimit(ILogger logger, uint capacity);

    [LoggerMessage(2002, LogLevel.Debug, "The node's devices have {Count} addresses")]
    public static partial void DeviceAddresses(ILogger logger, int count);
}
