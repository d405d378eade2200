using System.Net;
using System.Text.Json;
using EbpfProxy.Controller.Objects;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// Watches a resource from a version on, and keeps the version up to which its changes were handed on. May begin with the
/// full list as a stream of events, where the server can do that.
/// </summary>
internal sealed class WatchRequest(
    Resource resource, ApiClient client, IObjectFaults faults, ILogger log, TimeProvider time, Random random)
{
    public const int MaxLine = 8 << 20;

    private const int BufferSize = 16 << 10;
    private const int ListBufferSize = 64 << 10;
    private const int MinSeconds = 300;

    /// <summary>How much longer than agreed a watch may last before it is taken for dead.</summary>
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(30);

    /// <summary>How long a streamed list may be silent before the server is taken for one that never ends it.</summary>
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(30);

    /// <summary>How exactly that is measured.</summary>
    private static readonly TimeSpan _silenceStep = TimeSpan.FromSeconds(1);

    private bool _isListing;
    private int _listed;
    private long _begin;

    public WatchStatus Status { get; } = new(resource.Name, time.GetUtcNow());

    /// <summary>The version to go on from; null where only a full list helps.</summary>
    public string? Version { get; set; }

    /// <summary>How many events the last watch brought, bookmarks included.</summary>
    public long Events { get; private set; }

    /// <summary>Whether the server began the last watch.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>How long the last watch lasted.</summary>
    public TimeSpan Duration { get; private set; }

    /// <summary>Watches from <see cref="Version"/> until the server ends it.</summary>
    public Task RunAsync(CancellationToken token) =>
        WatchAsync($"&resourceVersion={Uri.EscapeDataString(Version!)}", silence: null, token);

    /// <summary>
    /// Takes the full list as a stream, at least as new as a version (null: the newest), then watches until the server ends
    /// it. False where the server did not say that the list is complete: it does not know how.
    /// </summary>
    public async Task<bool> StreamListAsync(string? version, CancellationToken token)
    {
        string from = version is null ? "" : $"&resourceVersion={Uri.EscapeDataString(version)}";
        using var silence = new CancellationTokenSource(_silence, time);
        _listed = 0;
        _isListing = true;
        resource.BeginList();
        try
        {
            await WatchAsync($"&sendInitialEvents=true&resourceVersionMatch=NotOlderThan{from}", silence, token);
            return _isListing ? throw new IOException("the stream of the list ended before the list did") : true;
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested && !token.IsCancellationRequested)
        {
            return !_isListing;
        }
        finally
        {
            _isListing = false;
            resource.AbandonList();
        }
    }

    private async Task WatchAsync(string query, CancellationTokenSource? silence, CancellationToken token)
    {
        int seconds = MinSeconds + random.Next(MinSeconds);
        string common = $"?watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}";
        Events = 0;
        HasBegun = false;
        _begin = time.GetTimestamp();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds) + _grace, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(token, limit.Token, silence?.Token ?? CancellationToken.None);
        try
        {
            using var response = await client.GetAsync($"{resource.Path}{common}{query}{resource.Selector}", either.Token);
            HasBegun = true;
            Status.WatchBegun(time.GetUtcNow());
            Log.Watching(log, resource.Name, Version ?? "0");
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            using var buffer = new StreamBuffer(body, _isListing ? ListBufferSize : BufferSize, MaxLine + 1);
            await ReadLinesAsync(new LineStream(buffer, MaxLine), silence, either.Token);
            Log.WatchEnded(log, resource.Name, Events, Version ?? "");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !token.IsCancellationRequested)
        {
            throw new TimeoutException("the watch was not ended when it was due");
        }
        finally
        {
            Duration = time.GetElapsedTime(_begin);
        }
    }

    private async Task ReadLinesAsync(LineStream lines, CancellationTokenSource? silence, CancellationToken token)
    {
        long heard = time.GetTimestamp();
        while (await lines.NextAsync(token))
        {
            if (lines.IsTooLong)
            {
                Status.SkippedEvent();
                faults.Report(resource.Kind, WatchEvent.NameIn(lines.Line), "", $"an event of more than {MaxLine} bytes is skipped");
            }
            else
            {
                TakeLine(lines.Line);
            }

            if (!_isListing)
            {
                silence?.CancelAfter(Timeout.InfiniteTimeSpan);
                silence = null;
            }
            else if (time.GetElapsedTime(heard) > _silenceStep)
            {
                silence?.CancelAfter(_silence);
                heard = time.GetTimestamp();
            }
        }
    }

    private void TakeLine(ReadOnlySpan<byte> line)
    {
        try
        {
            var change = WatchEvent.Parse(line);
            Take(change.Type, change.Object);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            Status.SkippedEvent();
            faults.Report(resource.Kind, WatchEvent.NameIn(line), "", $"an event cannot be read: {error.Message}");
        }
    }

    private void Take(WatchEventType type, ReadOnlySpan<byte> json)
    {
        if (type == WatchEventType.Error)
        {
            var status = StatusError.Read(json);
            throw new ApiException(
                (HttpStatusCode)(status?.Reason is "Expired" or "Gone" ? (int)HttpStatusCode.Gone : status?.Code ?? 0),
                status?.Message ?? "the watch ended with an error");
        }

        if (type == WatchEventType.Unknown || json.IsEmpty)
        {
            throw new JsonException("it has no type and object");
        }

        Events++;
        if (type == WatchEventType.Bookmark)
        {
            TakeBookmark(resource.ReadMetadata(json));
            return;
        }

        Apply(type, json);
        Status.Changed(time.GetUtcNow());
        bool isTraced = log.IsEnabled(LogLevel.Trace);
        if (_isListing && !isTraced)
        {
            return;
        }

        var metadata = resource.ReadMetadata(json);
        if (isTraced)
        {
            Log.Event(log, type.ToString(), resource.Name, metadata.ObjectName.ToString());
        }

        Advance(metadata.ResourceVersion);
    }

    private void Apply(WatchEventType type, ReadOnlySpan<byte> json)
    {
        if (type == WatchEventType.Deleted)
        {
            resource.Remove(json);
        }
        else if (_isListing && type == WatchEventType.Added)
        {
            _listed++;
            resource.AddListed(json);
        }
        else
        {
            resource.Set(json);
        }
    }

    private void TakeBookmark(in ObjectMetadata metadata)
    {
        if (_isListing && metadata.EndsInitialEvents)
        {
            _isListing = false;
            resource.CompleteList();
            Status.Listed(time.GetUtcNow());
            Log.Listed(log, _listed, resource.Name, metadata.ResourceVersion, (long)time.GetElapsedTime(_begin).TotalMilliseconds);
        }

        Status.Heard(time.GetUtcNow());
        Advance(metadata.ResourceVersion);
    }

    /// <summary>Within a list there is no going on from a version: the objects come in any order.</summary>
    private void Advance(string version)
    {
        if (!_isListing && version.Length > 0)
        {
            Version = version;
        }
    }
}
