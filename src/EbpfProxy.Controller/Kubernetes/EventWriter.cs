using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using EbpfProxy.Controller.Events;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>
/// Sends events to the API server, one after the other and as kube-proxy's. A server that is away is tried for a while; one
/// that refuses an event is not asked again. Where too many wait, more are lost.
/// </summary>
internal sealed class EventWriter(ApiClient client, string nodeName, ILogger log, TimeProvider time, Random random) : IEventSink
{
    private const string Controller = "kube-proxy";
    private const int MaxWaiting = 100;
    private const int MaxAttempts = 12;
    private const int MaxNote = 1024;

    /// <summary>Where the API wants events that are about no namespaced object.</summary>
    private const string Default = "default";

    /// <summary>Where servers of 1.20 and before want them, which refuse them elsewhere (kubernetes/kubernetes#100125).</summary>
    private const string OlderDefault = "kube-system";

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(10);

    private readonly Channel<Item> _items = Channel.CreateBounded<Item>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });

    private readonly HashSet<HttpStatusCode> _refusals = [];
    private string _default = Default;
    private long _lastName;

    public void Publish(ClusterEvent happened) => _items.Writer.TryWrite(new Item(happened, time.GetUtcNow(), Sent: null));

    public Task FlushAsync()
    {
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _items.Writer.TryWrite(new Item(null, default, sent)) ? sent.Task : Task.CompletedTask;
    }

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken token)
    {
        try
        {
            await foreach (var item in _items.Reader.ReadAllAsync(token))
            {
                if (item.Happened is { } happened)
                {
                    await SendAsync(happened, item.Time, token);
                }

                item.Sent?.TrySetResult();
            }
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            // What still waits is lost with the process.
        }
    }

    private async Task SendAsync(ClusterEvent happened, DateTimeOffset at, CancellationToken token)
    {
        bool isOfNamespace = happened.Regarding.Namespace.Length > 0;
        string space = isOfNamespace ? happened.Regarding.Namespace : _default;
        byte[] json = ToJson(happened, space, at);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await client.CreateAsync($"/apis/events.k8s.io/v1/namespaces/{Uri.EscapeDataString(space)}/events", json, token);
                _default = isOfNamespace ? _default : space;
                return;
            }
            catch (ApiException error) when (error.Status == HttpStatusCode.UnprocessableEntity && !isOfNamespace && space == Default)
            {
                space = OlderDefault;
                json = ToJson(happened, space, at);
                continue;
            }
            catch (ApiException error) when (IsFinal(error.Status))
            {
                if (_refusals.Add(error.Status))
                {
                    Log.EventsRefused(log, (int)error.Status, error.Message);
                }

                return;
            }
            catch (Exception error) when (error is not OperationCanceledException || !token.IsCancellationRequested)
            {
                if (attempt == MaxAttempts)
                {
                    Log.EventGivenUp(log, happened.Reason, attempt, error.Message);
                    return;
                }
            }

            await Task.Delay(_pause * (1 + random.NextDouble()), time, token);
        }
    }

    /// <summary>Whether the same event would be refused again: for want of a right, or because the server does not know such events.</summary>
    private static bool IsFinal(HttpStatusCode status) =>
        status is >= HttpStatusCode.BadRequest and < HttpStatusCode.InternalServerError
            and not (HttpStatusCode.Unauthorized or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests);

    private byte[] ToJson(ClusterEvent happened, string space, DateTimeOffset at)
    {
        // Two of one moment must not have one name.
        _lastName = Math.Max(_lastName + 1, (at - DateTimeOffset.UnixEpoch).Ticks * 100);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("kind", "Event");
            json.WriteString("apiVersion", "events.k8s.io/v1");
            json.WriteStartObject("metadata");
            json.WriteString("name", $"{happened.Regarding.Name}.{_lastName:x}");
            json.WriteString("namespace", space);
            json.WriteEndObject();
            json.WriteString("eventTime", at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("reportingController", Controller);
            json.WriteString("reportingInstance", $"{Controller}-{nodeName}");
            json.WriteString("action", happened.Action);
            json.WriteString("reason", happened.Reason);
            json.WriteStartObject("regarding");
            json.WriteString("kind", happened.Kind);
            json.WriteString("apiVersion", "v1");
            json.WriteString("name", happened.Regarding.Name);
            if (happened.Regarding.Namespace.Length > 0)
            {
                json.WriteString("namespace", happened.Regarding.Namespace);
            }

            json.WriteEndObject();
            json.WriteString("note", happened.Note.Length > MaxNote ? happened.Note[..MaxNote] : happened.Note);
            json.WriteString("type", happened.IsWarning ? "Warning" : "Normal");
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>An event, or a mark that completes when those before it are sent.</summary>
    private sealed record Item(ClusterEvent? Happened, DateTimeOffset Time, TaskCompletionSource? Sent);
}
