using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath;

/// <summary>Event ids 2000 to 2999. One class a project: of several the generator of their code takes one or the other first, and no build is like the one before.</summary>
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

    [LoggerMessage(2029, LogLevel.Warning, "No device of this node carries traffic: only sockets of this node are translated, packets from elsewhere are not")]
    public static partial void NoDevices(ILogger logger);

    [LoggerMessage(2030, LogLevel.Error, "Not ready: --devices ({Patterns}) names none of this node's devices ({Devices}). Those that have the programs keep them: {Kept}")]
    public static partial void DevicesUnmatched(ILogger logger, string patterns, string devices, string kept);

    [LoggerMessage(2032, LogLevel.Information, "--devices ({Patterns}) names devices of this node now: {Devices}")]
    public static partial void DevicesMatched(ILogger logger, string patterns, string devices);

    [LoggerMessage(2005, LogLevel.Information, "Attached programs to devices: {Attached} new and {Replaced} replaced; {Devices} devices have them")]
    public static partial void DevicesAttached(ILogger logger, int attached, int replaced, int devices);

    [LoggerMessage(2006, LogLevel.Warning, "Device {Device} is without the programs, and packets there are not translated: {Reason}")]
    public static partial void DeviceFailed(ILogger logger, string device, string reason);

    [LoggerMessage(2007, LogLevel.Information, "Room for {Count} translated connections: {State}")]
    public static partial void ConnectionsOpened(ILogger logger, uint count, string state);

    [LoggerMessage(2008, LogLevel.Information, "Keeps the ports {Ports} from the node's own sockets, to masquerade with")]
    public static partial void PortsReserved(ILogger logger, string ports);

    [LoggerMessage(2037, LogLevel.Information, "Somebody has written net.ipv4.ip_local_reserved_ports: keeps the ports {Ports} from the node's own sockets again")]
    public static partial void PortsReservedAgain(ILogger logger, string ports);

    [LoggerMessage(2038, LogLevel.Warning, "Somebody has written net.ipv4.ip_local_reserved_ports, and sockets of the node may get the ports to masquerade with: {Error}")]
    public static partial void PortsNotReserved(ILogger logger, string error);

    [LoggerMessage(2020, LogLevel.Information, "New connections go around the stack: {Reason}")]
    public static partial void FastPathOn(ILogger logger, string reason);

    [LoggerMessage(2021, LogLevel.Information, "Connections go through the stack: {Reason}")]
    public static partial void FastPathOff(ILogger logger, string reason);

    [LoggerMessage(2009, LogLevel.Warning, "Cannot enter the network namespaces of pods: {Error}. What has to be done there is left out; it takes CAP_SYS_ADMIN")]
    public static partial void NamespacesRefused(ILogger logger, string error);

    [LoggerMessage(2011, LogLevel.Warning, "UDP sockets that are connected to backends which left stay so in {Namespace}: {Error}")]
    public static partial void SocketsNotClosed(ILogger logger, string @namespace, string error);

    [LoggerMessage(2012, LogLevel.Information, "Closed {Sockets} connected UDP sockets whose backends left")]
    public static partial void SocketsClosed(ILogger logger, int sockets);

    [LoggerMessage(2013, LogLevel.Information, "Deleted {Entries} {Family} entries of connection tracking whose backends left")]
    public static partial void EntriesDeleted(ILogger logger, int entries, string family);

    [LoggerMessage(2014, LogLevel.Warning, "Stale flows of UDP may go on: {Error}")]
    public static partial void StaleFlowsFailed(ILogger logger, string error);

    [LoggerMessage(2015, LogLevel.Warning, "{Count} prefixes of ServiceCIDRs are more than the programs look at: their unallocated addresses are not dropped")]
    public static partial void ServicePrefixesLeftOut(ILogger logger, int count);

    [LoggerMessage(2010, LogLevel.Warning, "The table of socket peers stays at {Capacity}: more than half of it is in use, and the sockets of all open files could not fill it; the rest was left by sockets of the kernel")]
    public static partial void PeersAtLimit(ILogger logger, uint capacity);

    [LoggerMessage(2016, LogLevel.Information, "Made the table of session affinity larger: it holds {Capacity} now")]
    public static partial void AffinityGrown(ILogger logger, uint capacity);

    [LoggerMessage(2017, LogLevel.Warning, "The table of session affinity stays at {Capacity}, the most that this node's memory allows, and more than half of it is in use: when it is full, clients that come new may change their backend")]
    public static partial void AffinityAtLimit(ILogger logger, uint capacity);

    [LoggerMessage(2033, LogLevel.Warning, "The table of socket peers stays at {Capacity}, though more than half of it is in use: {Reason}. A larger one is tried again, at the latest after {Seconds} seconds; when it is full, new sockets' peers are shown as their backends")]
    public static partial void PeersNotGrown(ILogger logger, uint capacity, string reason, double seconds);

    [LoggerMessage(2034, LogLevel.Warning, "The table of session affinity stays at {Capacity}, though more than half of it is in use: {Reason}. A larger one is tried again, at the latest after {Seconds} seconds; when it is full, clients that come new may change their backend")]
    public static partial void AffinityNotGrown(ILogger logger, uint capacity, string reason, double seconds);

    [LoggerMessage(2035, LogLevel.Warning, "Cannot look whose the network namespaces are: {Reason}. It is tried again, at the latest after {Seconds} seconds; connections from new pods to services with session affinity go by the packet path")]
    public static partial void ClientsNotFound(ILogger logger, string reason, double seconds);

    [LoggerMessage(2022, LogLevel.Information, "Programs cannot ask connection tracking on this kernel: it is followed, and translates {Count} flows now")]
    public static partial void TrackedFlows(ILogger logger, int count);

    [LoggerMessage(2023, LogLevel.Warning, "{Count} flows that connection tracking translates have no place in the table: they are taken for unknown")]
    public static partial void TrackedFlowsLeftOut(ILogger logger, int count);

    [LoggerMessage(2024, LogLevel.Warning, "Cannot follow connection tracking: {Error}. Flows that other components translate are taken for unknown; it is tried again")]
    public static partial void ConntrackNotFollowed(ILogger logger, string error);

    [LoggerMessage(2026, LogLevel.Information, "Unconnected UDP sockets keep {Count} backends that kube-proxy's rules gave them")]
    public static partial void PeersInherited(ILogger logger, int count);

    [LoggerMessage(2027, LogLevel.Warning, "Unconnected UDP sockets may get other backends than kube-proxy's rules gave them: {Error}")]
    public static partial void PeersNotInherited(ILogger logger, string error);

    [LoggerMessage(2028, LogLevel.Warning, "The same for those of network namespace {Namespace}: {Error}")]
    public static partial void PeersNotInheritedThere(ILogger logger, string @namespace, string error);

    [LoggerMessage(2036, LogLevel.Debug, "Connection tracking knows what {Count} unconnected UDP sockets asked")]
    public static partial void InheritingSocketsFound(ILogger logger, int count);

    [LoggerMessage(2031, LogLevel.Warning, "{Count} tunnels are more than the programs look at: what the node's sockets ask past the hooks does not go by their routes")]
    public static partial void TunnelsLeftOut(ILogger logger, int count);

    [LoggerMessage(2025, LogLevel.Information, "Connection tracking is followed again")]
    public static partial void ConntrackFollowed(ILogger logger);
}
