using System.Text.Json;
using System.Text.Json.Serialization;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Daemon;

/// <summary>What only the daemon knows, as it leaves it for `status`.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Pid">Its process, as it sees itself.</param>
/// <param name="Started">When it was started.</param>
/// <param name="Node">The name of the node.</param>
/// <param name="Cgroup">The cgroup whose sockets are translated.</param>
/// <param name="Source">Where Services come from.</param>
/// <param name="SourceError">What is wrong with that; null while all is well.</param>
/// <param name="LastHeard">When the API server was last heard of by the watch that has waited longest; null without one.</param>
/// <param name="LastSync">When the tables were last brought up to date; null before the first time.</param>
/// <param name="SyncError">Why they are not; null while they are.</param>
/// <param name="FailedDevices">How many devices should have the programs and do not.</param>
/// <param name="FailedNames">What some of them are called, with commas between.</param>
/// <param name="TellsLocalPods">Whether pods of this node can be told from other clients.</param>
/// <param name="LocalPods">The prefixes that they are told by, with commas between; empty where it is by devices.</param>
/// <param name="MasqueradesAll">Whether whoever asks a cluster IP is masqueraded.</param>
/// <param name="PreservesClient">Whether under policy Cluster backends of this node see the client itself.</param>
/// <param name="ServicePrefixes">Some of the prefixes that only services have addresses of, with commas between.</param>
/// <param name="LoopbackNodePorts">Where the node's own sockets find node ports at loopback addresses.</param>
/// <param name="Health">The address and port where it serves its health; null where it serves none.</param>
/// <param name="HealthError">Why it cannot; null while it can.</param>
/// <param name="WaitingSince">Since when a change has waited to come into the tables; null where none has for long.</param>
internal sealed record DaemonNote(
    string Version,
    int Pid,
    DateTimeOffset Started,
    string Node,
    string Cgroup,
    string Source,
    string? SourceError,
    DateTimeOffset? LastHeard,
    DateTimeOffset? LastSync,
    string? SyncError,
    int FailedDevices,
    string FailedNames,
    bool TellsLocalPods,
    string LocalPods,
    bool MasqueradesAll,
    bool PreservesClient,
    string ServicePrefixes,
    LoopbackNodePorts LoopbackNodePorts,
    string? Health,
    string? HealthError,
    DateTimeOffset? WaitingSince)
{
    // There is room for 4095 bytes in all.
    private const int MaxError = 200;
    private const int MostNames = 8;
    private const int MostPrefixes = 16;

    /// <summary>Why /readyz answers 503; null where it does not, or in a note of a daemon of before.</summary>
    public string? NotReady { get; init; }

    public string ToText()
    {
        var shortened = this with
        {
            SourceError = Shorten(SourceError),
            SyncError = Shorten(SyncError),
            HealthError = Shorten(HealthError),
            NotReady = Shorten(NotReady),
        };
        string text = JsonSerializer.Serialize(shortened, NoteJsonContext.Default.DaemonNote);
        return text.Length <= DaemonNotes.MaxLength
            ? text
            : JsonSerializer.Serialize(shortened with { ServicePrefixes = "" }, NoteJsonContext.Default.DaemonNote);
    }

    /// <summary>Null where the text is none of ours, but of another version.</summary>
    public static DaemonNote? Parse(string? text)
    {
        try
        {
            return text is null ? null : JsonSerializer.Deserialize(text, NoteJsonContext.Default.DaemonNote);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>For <see cref="FailedNames"/>.</summary>
    public static string NamesOf(IReadOnlyList<string> devices) =>
        string.Join(", ", devices.Take(MostNames)) + (devices.Count > MostNames ? ", ..." : "");

    /// <summary>For <see cref="LocalPods"/> and <see cref="ServicePrefixes"/>.</summary>
    public static string PrefixesOf(IEnumerable<Prefix> prefixes) => string.Join(',', prefixes.Take(MostPrefixes));

    /// <summary>The prefix of a list in a note that has an address; null for none, or where a daemon of before left no list.</summary>
    public static Prefix? Find(string? prefixes, Address address)
    {
        foreach (string text in prefixes?.Split(',') ?? [])
        {
            if (Prefix.TryParse(text, out var prefix) && prefix.Contains(address))
            {
                return prefix;
            }
        }

        return null;
    }

    /// <summary>Whether pods of this node can be told from other clients of a family: by devices, or by a prefix of it.</summary>
    public bool TellsPodsOf(IpFamily family) =>
        TellsLocalPods && (LocalPods.Length == 0 || LocalPods.Split(',').Any(text => Prefix.TryParse(text, out var prefix) && prefix.Family == family));

    private static string? Shorten(string? error) => error?.Length > MaxError ? error[..MaxError] : error;
}

[JsonSerializable(typeof(DaemonNote))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
internal sealed partial class NoteJsonContext : JsonSerializerContext;
