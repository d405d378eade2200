namespace EbpfProxy.Daemon;

/// <summary>Event ids 9000 to 9019.</summary>
internal static partial class Log
{
    [LoggerMessage(9000, LogLevel.Information, "ebpf-proxy {Version} on node {Node}, pid {Pid}")]
    public static partial void Starting(ILogger logger, string version, string node, int pid);

    [LoggerMessage(9001, LogLevel.Warning, "{Message}")]
    public static partial void OptionWarning(ILogger logger, string message);

    [LoggerMessage(9002, LogLevel.Debug, "Cannot start")]
    public static partial void CannotStart(ILogger logger, Exception exception);

    [LoggerMessage(9003, LogLevel.Warning, "Invalid {Kind}{Name}{Field}: {Message}")]
    public static partial void ObjectFault(ILogger logger, string kind, string name, string field, string message);

    [LoggerMessage(9004, LogLevel.Information, "Stopped; programs and tables stay and go on working")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(9005, LogLevel.Error, "{Part} failed; stopping")]
    public static partial void PartFailed(ILogger logger, string part, Exception exception);

    [LoggerMessage(9006, LogLevel.Warning, "Cannot read the programs' counters")]
    public static partial void CountersUnreadable(ILogger logger, Exception exception);

    [LoggerMessage(9007, LogLevel.Error, "The kernel refuses what has to be done now and then; it is tried again and again, at the most {Seconds} s apart")]
    public static partial void MaintenanceFailed(ILogger logger, double seconds, Exception exception);

    [LoggerMessage(9008, LogLevel.Information, "The kernel takes again what has to be done now and then")]
    public static partial void MaintenanceRecovered(ILogger logger);

    [LoggerMessage(9009, LogLevel.Error, "Cannot write which addresses the devices have; all tables are taken up anew")]
    public static partial void DeviceAddressesFailed(ILogger logger, Exception exception);

    [LoggerMessage(9010, LogLevel.Warning, "Cannot leave a note for `ebpf-proxy status`")]
    public static partial void NoteFailed(ILogger logger, Exception exception);
}
