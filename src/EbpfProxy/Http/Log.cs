using System.Net;

namespace EbpfProxy.Http;

/// <summary>Event ids 9020 to 9029.</summary>
internal static partial class Log
{
    [LoggerMessage(9020, LogLevel.Information, "Serving {Name} on {Address}")]
    public static partial void Serving(ILogger logger, string name, IPEndPoint address);

    [LoggerMessage(9021, LogLevel.Warning, "Cannot serve {Name} on {Address}, trying again in {Seconds} s")]
    public static partial void CannotServe(ILogger logger, string name, IPEndPoint address, double seconds, Exception exception);

    [LoggerMessage(9022, LogLevel.Warning, "Cannot accept a connection at {Address}")]
    public static partial void CannotAccept(ILogger logger, EndPoint? address, Exception exception);
}
