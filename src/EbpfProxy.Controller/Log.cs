using EbpfProxy.Model.Cluster;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller;

/// <summary>Event ids 3000 to 3599: the API server's side from 3000, the sync from 3500, manifests from 3520, health from 3540.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Information, "Listed {Count} {Resource} at version {Version} in {Milliseconds} ms")]
    public static partial void Listed(ILogger log, int count, string resource, string version, long milliseconds);

    [LoggerMessage(3001, LogLevel.Debug, "Watching {Resource} from version {Version}")]
    public static partial void Watching(ILogger log, string resource, string version);

    [LoggerMessage(3002, LogLevel.Debug, "The watch of {Resource} ended after {Events} events; going on from version {Version}")]
    public static partial void WatchEnded(ILogger log, string resource, long events, string version);

    [LoggerMessage(3003, LogLevel.Warning, "Following {Resource} failed: {Error}; next attempt in {Seconds:0.0} s")]
    public static partial void Failed(ILogger log, string resource, string error, double seconds);

    [LoggerMessage(3004, LogLevel.Information, "Version {Version} of {Resource} is too old to go on from; a full list in {Seconds:0.0} s")]
    public static partial void Expired(ILogger log, string resource, string version, double seconds);

    [LoggerMessage(3005, LogLevel.Information, "The API server does not stream lists ({Error}); asking for {Resource} as a list")]
    public static partial void StreamedListRefused(ILogger log, string resource, string error);

    [LoggerMessage(3006, LogLevel.Warning, "The API server does not give {Resource} ({Error}); taken as none, asked again in an hour")]
    public static partial void ResourceAbsent(ILogger log, string resource, string error);

    [LoggerMessage(3007, LogLevel.Trace, "{Type} {Resource} {Name}")]
    public static partial void Event(ILogger log, string type, string resource, string name);

    [LoggerMessage(3010, LogLevel.Warning, "API server {Failed} does not answer; turning to {Next}")]
    public static partial void ServerFailed(ILogger log, Uri failed, Uri next);

    [LoggerMessage(3011, LogLevel.Warning, "The API servers' addresses cannot be kept in {File}: {Error}")]
    public static partial void StateFileFailed(ILogger log, string file, string error);

    [LoggerMessage(3012, LogLevel.Information, "Certificates for the API server were read anew")]
    public static partial void CertificatesReloaded(ILogger log);

    [LoggerMessage(3013, LogLevel.Warning, "Certificates for the API server cannot be read anew, the earlier ones stay: {Error}")]
    public static partial void CertificatesFailed(ILogger log, string error);

    [LoggerMessage(3015, LogLevel.Information, "The server refuses the field selector of {Resource}, which it knows from 1.31 on; doing without: {Error}")]
    public static partial void SelectorRefused(ILogger logger, string resource, string error);

    [LoggerMessage(3016, LogLevel.Warning, "{Count} watches of {Resource} from version {Version} came to nothing; asking for a full list")]
    public static partial void VersionGivenUp(ILogger log, int count, string resource, string version);

    [LoggerMessage(3014, LogLevel.Information, "Following the API server at {Server}")]
    public static partial void Following(ILogger log, Uri server);

    [LoggerMessage(
        3019,
        LogLevel.Warning,
        "The only API server that is known is {Server}, the cluster IP of the Service kubernetes. On a node without kube-proxy nobody serves it after a reboot: say the "
            + "server's own address by KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT (ConfigMap ebpf-proxy-api-server), --master or a kubeconfig")]
    public static partial void OnlyService(ILogger log, Uri server);

    [LoggerMessage(3017, LogLevel.Warning, "Events cannot be sent, and this is not said again for {Status}: {Error}")]
    public static partial void EventsRefused(ILogger log, int status, string error);

    [LoggerMessage(3018, LogLevel.Debug, "The event {Reason} is given up after {Attempts} attempts: {Error}")]
    public static partial void EventGivenUp(ILogger log, string reason, int attempts, string error);

    [LoggerMessage(3501, LogLevel.Information, "Applied {Services} services with {Writes} map writes in {Milliseconds:0.0} ms")]
    public static partial void Applied(ILogger logger, int services, int writes, double milliseconds);

    [LoggerMessage(3502, LogLevel.Debug, "Looked at {Services} services in {Milliseconds:0.0} ms; the maps hold them already")]
    public static partial void Unchanged(ILogger logger, int services, double milliseconds);

    [LoggerMessage(3503, LogLevel.Warning, "Could not write the maps; trying again with every service in {Seconds} s")]
    public static partial void ApplyFailed(ILogger logger, double seconds, Exception exception);

    [LoggerMessage(3520, LogLevel.Information, "Read {Files} files in {Folder}: {Services} Services, {Slices} EndpointSlices")]
    public static partial void Read(ILogger logger, int files, string folder, int services, int slices);

    [LoggerMessage(3521, LogLevel.Warning, "{File} line {Line}: {Kind} of \"{ApiVersion}\" is of no use to the proxy and ignored, here and elsewhere")]
    public static partial void KindIgnored(ILogger logger, string file, long line, string kind, string apiVersion);

    [LoggerMessage(3522, LogLevel.Warning, "Cannot read {Path}, what was read of it before stays: {Reason}")]
    public static partial void Unreadable(ILogger logger, string path, string reason);

    [LoggerMessage(3523, LogLevel.Warning, "Cannot be told of changes in {Folder}, so it is looked at every {Seconds} s: {Reason}")]
    public static partial void NotWatched(ILogger logger, string folder, double seconds, string reason);

    [LoggerMessage(3540, LogLevel.Warning, "Cannot serve the healthCheckNodePort {Port} of {Service}, tried again with every change: {Error}")]
    public static partial void CannotListen(ILogger logger, ObjectName service, ushort port, string error);
}
