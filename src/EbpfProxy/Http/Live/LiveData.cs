using System.Text.Json;
using System.Text.Json.Serialization;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Http.Live;

/// <summary>What the page shows, as it was at one moment. Counts go up; the page makes rates of them.</summary>
/// <param name="Time">Milliseconds since 1970.</param>
/// <param name="Node">The name of the node.</param>
/// <param name="Version">Of the daemon.</param>
/// <param name="Source">Where Services come from.</param>
/// <param name="SourceError">What is wrong with that; null while all is well.</param>
/// <param name="LastSync">When the tables were last brought up to date; null before the first time.</param>
/// <param name="SyncError">Why they are not; null while they are.</param>
/// <param name="Devices">How many devices have the programs.</param>
/// <param name="DevicesFailed">How many should and do not.</param>
/// <param name="FastPath">Whether new connections go around the stack.</param>
/// <param name="FastPathReason">Why, or why not.</param>
/// <param name="ServiceCount">How many services there are: one a port and family.</param>
/// <param name="BackendCount">How many backends they have in all.</param>
/// <param name="Maps">How full the maps are.</param>
/// <param name="Events">What the programs counted, by reason.</param>
/// <param name="ServiceMatches">How many services match what was asked for.</param>
/// <param name="Services">The busiest of those.</param>
internal sealed record LiveData(
    long Time,
    string Node,
    string Version,
    string Source,
    string? SourceError,
    DateTimeOffset? LastSync,
    string? SyncError,
    int Devices,
    int DevicesFailed,
    bool FastPath,
    string FastPathReason,
    int ServiceCount,
    int BackendCount,
    IReadOnlyList<TableFill> Maps,
    IReadOnlyDictionary<string, ulong> Events,
    int ServiceMatches,
    IReadOnlyList<LiveService> Services);

/// <summary>
/// A service on the page. Bytes are null where nothing of them is measured; without <paramref name="SocketBytes"/> those of its
/// sockets are not among them.
/// </summary>
internal sealed record LiveService(
    uint Id,
    string Name,
    IReadOnlyList<string> Frontends,
    IReadOnlyList<string> Endpoints,
    ulong Opened,
    ulong Open,
    ulong? Sent,
    ulong? Received,
    bool SocketBytes,
    ulong Refused);

[JsonSerializable(typeof(LiveData))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
internal sealed partial class LiveJsonContext : JsonSerializerContext;
