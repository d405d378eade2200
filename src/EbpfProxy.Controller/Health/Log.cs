using EbpfProxy.Model.Cluster;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Health;

/// <summary>Event ids 3520 to 3529.</summary>
internal static partial class Log
{
    [LoggerMessage(3520, LogLevel.Warning, "Cannot serve the healthCheckNodePort {Port} of {Service}, tried again with every change: {Error}")]
    public static partial void CannotListen(ILogger logger, ObjectName service, ushort port, string error);
}
