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

    [LoggerMessage(2004, LogLevel.Debug, "The node has {Devices} devices with {Addresses} addresses")]
    public static partial void NodeNetwork(ILogger logger, int devices, int addresses);

    [LoggerMessage(2005, LogLevel.Information, "Attached programs to devices: {Attached} new and {Replaced} replaced; {Devices} devices have them")]
    public static partial void DevicesAttached(ILogger logger, int attached, int replaced, int devices);

    [LoggerMessage(2006, LogLevel.Warning, "Device {Device} is without the programs, and packets there are not translated: {Reason}")]
    public static partial void DeviceFailed(ILogger logger, string device, string reason);

    [LoggerMessage(2007, LogLevel.Information, "Room for {Count} translated connections: {State}")]
    public static partial void ConnectionsOpened(ILogger logger, uint count, string state);

    [LoggerMessage(2008, LogLevel.Information, "Keeps the ports {Ports} from the node's own sockets, to masquerade with")]
    public static partial void PortsReserved(ILogger logger, string ports);

    [LoggerMessage(2020, LogLevel.Information, "New connections go around the stack: {Reason}")]
    public static partial void FastPathOn(ILogger logger, string reason);

    [LoggerMessage(2021, LogLevel.Information, "Connections go through the stack: {Reason}")]
    public static partial void FastPathOff(ILogger logger, string reason);

    [LoggerMessage(2010, LogLevel.Warning, "The table of socket peers stays at {Capacity}: more than half of it is in use, and the sockets of all open files could not fill it; the rest was left by sockets of the kernel")]
    public static partial void PeersAtLimit(ILogger logger, uint capacity);
}
