using System.Net;
using EbpfProxy.Model.Network;

namespace EbpfProxy;

/// <summary>Event ids 9000 to 9049: the daemon from 9000, its servers from 9040.</summary>
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

    [LoggerMessage(9020, LogLevel.Information, "The kernel tracks no connections ({Path} is not there); its settings are left")]
    public static partial void NoConntrack(ILogger logger, string path);

    [LoggerMessage(9021, LogLevel.Information, "{Path} is the machine's, not of this network namespace; it is left")]
    public static partial void NotTheMachine(ILogger logger, string path);

    [LoggerMessage(9022, LogLevel.Information, "Set {Path} from {Before} to {Value}")]
    public static partial void SysctlWritten(ILogger logger, string path, int before, int value);

    [LoggerMessage(9023, LogLevel.Warning, "{Path} is mounted for reading only: it stays {Before} and should be {Value}")]
    public static partial void SysctlReadOnly(ILogger logger, string path, int before, int value);

    [LoggerMessage(9024, LogLevel.Warning, "Cannot set this process's oom_score_adj to {Adjustment}")]
    public static partial void OutOfMemoryScoreFailed(ILogger logger, int adjustment, Exception exception);

    [LoggerMessage(9025, LogLevel.Warning, "Can't determine this node's IP, assuming {Address}; if this is incorrect, please set the --bind-address flag")]
    public static partial void NoNodeIP(ILogger logger, Address address);

    [LoggerMessage(9026, LogLevel.Warning, "Kube-proxy configuration may be incomplete or incorrect: {Problem}")]
    public static partial void Incomplete(ILogger logger, string problem);

    [LoggerMessage(9030, LogLevel.Information, "kube-proxy was here: {Part}")]
    public static partial void KubeProxyFound(ILogger logger, string part);

    [LoggerMessage(9031, LogLevel.Warning, "What kube-proxy has on this node stays: {Reason}")]
    public static partial void KubeProxyStays(ILogger logger, string reason);

    [LoggerMessage(9032, LogLevel.Information, "Removed what kube-proxy had: {Part}")]
    public static partial void KubeProxyRemoved(ILogger logger, string part);

    [LoggerMessage(9033, LogLevel.Warning, "Cannot take over from kube-proxy; it is tried again")]
    public static partial void TakeoverFailed(ILogger logger, Exception exception);

    [LoggerMessage(9027, LogLevel.Information, "Settings of the kernel are written, {BpfFileSystem} is there; stopping because of --init-only")]
    public static partial void Initialized(ILogger logger, string bpfFileSystem);

    [LoggerMessage(9040, LogLevel.Information, "Serving {Name} on {Address}")]
    public static partial void Serving(ILogger logger, string name, IPEndPoint address);

    [LoggerMessage(9041, LogLevel.Warning, "Cannot serve {Name} on {Address}, trying again every {Seconds} s and saying so when it is served")]
    public static partial void CannotServe(ILogger logger, string name, IPEndPoint address, double seconds, Exception exception);

    [LoggerMessage(9043, LogLevel.Debug, "Still cannot serve {Name} on {Address}: {Error}")]
    public static partial void StillCannotServe(ILogger logger, string name, IPEndPoint address, string error);

    [LoggerMessage(9042, LogLevel.Warning, "Cannot accept a connection at {Address}")]
    public static partial void CannotAccept(ILogger logger, EndPoint? address, Exception exception);
}
