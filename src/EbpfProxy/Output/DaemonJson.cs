using EbpfProxy.Daemon;
using EbpfProxy.Datapath;

namespace EbpfProxy.Output;

/// <summary>What only the daemon knows, in JSON. What a setting says has the setting's name.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Pid">Its process, as it sees itself.</param>
/// <param name="StartTime">When it was started.</param>
/// <param name="Node">The name of the node.</param>
/// <param name="Cgroup">The cgroup whose sockets are translated.</param>
/// <param name="Source">Where Services come from.</param>
/// <param name="SourceError">What is wrong with that; null while all is well.</param>
/// <param name="LastHeardTime">When the API server was last heard of by the watch that has waited longest; null without one.</param>
/// <param name="LastSyncTime">When the tables were last brought up to date; null before the first time.</param>
/// <param name="SyncError">Why they are not; null while they are.</param>
/// <param name="FailedDeviceCount">How many devices should have the programs and do not.</param>
/// <param name="FailedDevices">The names of some of them, the last "..." where there are more.</param>
/// <param name="TellsLocalPods">Whether pods of this node can be told from other clients.</param>
/// <param name="LocalPodCIDRs">The prefixes that they are told by; empty where it is by devices.</param>
/// <param name="MasqueradeAll">Whether whoever asks a cluster IP is masqueraded.</param>
/// <param name="PreserveClientAddress">Whether under policy Cluster backends of this node see the client itself.</param>
/// <param name="ServiceCIDRs">Some of the prefixes that only services have addresses of.</param>
/// <param name="LocalhostNodePorts">Where the node's own sockets find node ports at loopback addresses: off, tcp4 or all.</param>
/// <param name="HealthzBindAddress">Where it serves its health; null where it serves none.</param>
/// <param name="HealthError">Why it cannot; null while it can.</param>
/// <param name="WaitingSinceTime">Since when a change has waited to come into the maps; null where none has for long.</param>
/// <param name="NotReady">Why /readyz answers 503; null where it does not.</param>
internal sealed record DaemonJson(
    string Version,
    int Pid,
    DateTimeOffset StartTime,
    string Node,
    string Cgroup,
    string Source,
    string? SourceError,
    DateTimeOffset? LastHeardTime,
    DateTimeOffset? LastSyncTime,
    string? SyncError,
    int FailedDeviceCount,
    IReadOnlyList<string> FailedDevices,
    bool TellsLocalPods,
    IReadOnlyList<string> LocalPodCIDRs,
    bool MasqueradeAll,
    bool PreserveClientAddress,
    IReadOnlyList<string> ServiceCIDRs,
    string LocalhostNodePorts,
    string? HealthzBindAddress,
    string? HealthError,
    DateTimeOffset? WaitingSinceTime,
    string? NotReady)
{
    public static DaemonJson? From(DaemonNote? note) => note is null ? null : new(
        note.Version,
        note.Pid,
        note.Started,
        note.Node,
        note.Cgroup,
        note.Source,
        note.SourceError,
        note.LastHeard,
        note.LastSync,
        note.SyncError,
        note.FailedDevices,
        Split(note.FailedNames),
        note.TellsLocalPods,
        Split(note.LocalPods),
        note.MasqueradesAll,
        note.PreservesClient,
        Split(note.ServicePrefixes),
        note.LoopbackNodePorts switch
        {
            LoopbackNodePorts.Tcp4 => "tcp4",
            LoopbackNodePorts.All => "all",
            _ => "off",
        },
        note.Health,
        note.HealthError,
        note.WaitingSince,
        note.NotReady);

    /// <summary>A daemon of before may have left no list.</summary>
    private static string[] Split(string? list) => list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
