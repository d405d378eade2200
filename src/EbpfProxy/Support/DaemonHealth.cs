using System.Net;
using System.Text.Json;
using EbpfProxy.Daemon;

namespace EbpfProxy.Support;

/// <summary>Asks the daemon of this node how it is, where it said that it tells.</summary>
internal static class DaemonHealth
{
    /// <summary>Shorter than what the probes of the manifests wait: who asks is to say himself that there was no answer.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(4);

    /// <summary>In words whether a daemon that runs is ready, where it is.</summary>
    /// <param name="note">What the daemon left; null where none of this version has run.</param>
    /// <param name="token">To ask no more.</param>
    /// <exception cref="IOException">It is not, does not answer, or cannot be asked.</exception>
    public static Task<string> AskReadyAsync(DaemonNote? note, CancellationToken token) =>
        ReasonNotToAsk(note) is { } reason ? throw new IOException(reason) : AskAsync(note!, "/readyz", token);

    /// <summary>
    /// In words whether a daemon that runs does not hang, where it does not. One that cannot be asked counts as alive: a new one
    /// would have the same address.
    /// </summary>
    /// <exception cref="IOException">It hangs, or does not answer.</exception>
    public static async Task<string> AskAliveAsync(DaemonNote? note, CancellationToken token) =>
        ReasonNotToAsk(note) is { } reason ? $"it runs, and no more is known: {reason}" : await AskAsync(note!, "/livez", token);

    private static string? ReasonNotToAsk(DaemonNote? note) => note switch
    {
        { HealthError: { } error } => $"the daemon cannot serve its health: {error}",
        { Health: not null } => null,
        _ => "the daemon serves its health nowhere (--healthz-port=0), or is of another version",
    };

    private static async Task<string> AskAsync(DaemonNote note, string path, CancellationToken token)
    {
        var served = IPEndPoint.Parse(note.Health!);
        var address = new IPEndPoint(Near(served.Address), served.Port);
        var (status, body) = await LocalPage.AskAsync(address, path, _patience, token);
        string answer = $"http://{address}{path} answers {status}";
        return status == (int)HttpStatusCode.OK ? answer : throw new IOException($"{answer}: {ReasonIn(body) ?? body}");
    }

    /// <summary>What a page of the daemon says is wrong, without the rest of it; null where it does not say, or is no such page.</summary>
    private static string? ReasonIn(string body)
    {
        try
        {
            using var page = JsonDocument.Parse(body);
            return page.RootElement switch
            {
                { ValueKind: not JsonValueKind.Object } => null,
                var report when TextOf(report, "notReady") is { } reason => reason,
                var report when TextOf(report, "hanging") is { } parts => $"what does not come to an end: {parts}",
                _ => null,
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? TextOf(JsonElement report, string name) =>
        report.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Where this node itself reaches an address that is listened on.</summary>
    private static IPAddress Near(IPAddress address) =>
        address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : address;
}
