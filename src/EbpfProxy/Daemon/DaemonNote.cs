using System.Text.Json;
using System.Text.Json.Serialization;

namespace EbpfProxy.Daemon;

/// <summary>What only the daemon knows, as it leaves it for `status`.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Pid">Its process, as it sees itself.</param>
/// <param name="Started">When it was started.</param>
/// <param name="Node">The name of the node.</param>
/// <param name="Cgroup">The cgroup whose sockets are translated.</param>
/// <param name="Source">Where Services come from.</param>
/// <param name="SourceError">What is wrong with that; null while all is well.</param>
/// <param name="LastSync">When the tables were last brought up to date; null before the first time.</param>
/// <param name="SyncError">Why they are not; null while they are.</param>
/// <param name="FailedDevices">How many devices should have the programs and do not.</param>
internal sealed record DaemonNote(
    string Version,
    int Pid,
    DateTimeOffset Started,
    string Node,
    string Cgroup,
    string Source,
    string? SourceError,
    DateTimeOffset? LastSync,
    string? SyncError,
    int FailedDevices)
{
    // There is room for 4095 bytes in all.
    private const int MaxError = 200;

    public string ToText() => JsonSerializer.Serialize(
        this with { SourceError = Shorten(SourceError), SyncError = Shorten(SyncError) }, NoteJsonContext.Default.DaemonNote);

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

    private static string? Shorten(string? error) => error?.Length > MaxError ? error[..MaxError] : error;
}

[JsonSerializable(typeof(DaemonNote))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
internal sealed partial class NoteJsonContext : JsonSerializerContext;
