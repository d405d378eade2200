using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>The answer to one list or watch of a resource.</summary>
internal sealed class ResourceAnswer(
    KubernetesApiServer server, ResourceType type, ApiRequest request, HttpContext context, CountedBody body)
{
    private readonly Selector _selector = new(request.Parameter("labelSelector"), request.Parameter("fieldSelector"));
    private readonly string _version = request.Parameter("resourceVersion") ?? "";

    public async Task WriteAsync()
    {
        if (Refusal() is { } refusal)
        {
            await KubernetesApiServer.WriteStatusAsync(context, new(
                422, "Invalid", $"ListOptions.meta.k8s.io \"\" is invalid: {refusal}"));
            return;
        }

        if (server.Options.Version != ApiServerVersion.V1_36 && request.Parameter("fieldSelector") is { } fields
            && fields.StartsWith("spec.clusterIP", StringComparison.Ordinal))
        {
            // A field of Services from 1.31 on.
            await KubernetesApiServer.WriteStatusAsync(context, new(
                400, "BadRequest", "Unable to find \"/v1, Resource=services\" that match label selector \"\", field selector \"spec.clusterIP!=None\": field label not supported: spec.clusterIP"));
            return;
        }

        context.Response.ContentType = "application/json";
        await (request.IsWatch ? WatchAsync() : ListAsync());
    }

    /// <summary>What the validation of list options says in the server's version.</summary>
    private string? Refusal()
    {
        bool hasMatch = request.Parameter("resourceVersionMatch") is not null;
        bool sendsInitial = request.Parameter("sendInitialEvents") is not null;
        if (!request.IsWatch)
        {
            return null;
        }

        // What a server does not know of it ignores: sendInitialEvents before 1.27.
        return server.Options.Version switch
        {
            ApiServerVersion.V1_21 when hasMatch => "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch",
            ApiServerVersion.V1_28 when sendsInitial =>
                "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
            ApiServerVersion.V1_28 or ApiServerVersion.V1_36 when hasMatch && !sendsInitial =>
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ApiServerVersion.V1_36 when sendsInitial && !hasMatch =>
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            _ => null,
        };
    }

    private async Task ListAsync()
    {
        var (version, objects) = server.Store.List(type.Kind);
        if (long.TryParse(_version, out long wanted) && wanted > version)
        {
            await KubernetesApiServer.WriteStatusAsync(context, new(
                504, "Timeout", $"Too large resource version: {wanted}, current: {version}", RetryAfterSeconds: 1));
            return;
        }

        string after = "";
        if (request.Parameter("continue") is { } token)
        {
            string[] parts = token.Split('|');
            (version, after) = (long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]);
            if (version < server.Store.Oldest)
            {
                await KubernetesApiServer.WriteStatusAsync(context, new(
                    410, "Expired", "The provided continue parameter is too old to display a consistent list result."));
                return;
            }
        }

        // A list of any version comes from the server's cache, which knows no pages.
        int limit = _version == "0" ? int.MaxValue : int.Parse(request.Parameter("limit") ?? "0", CultureInfo.InvariantCulture);
        var rest = objects.Where(item => string.CompareOrdinal(item.Key, after) > 0 && _selector.Matches(item.Json)).ToArray();
        var page = limit > 0 ? rest.Take(limit).ToArray() : rest;
        string next = page.Length < rest.Length ? $"{version}|{page[^1].Key}" : "";
        await WriteListAsync(version, next, page);
    }

    private async Task WriteListAsync(long version, string next, StoredObject[] page)
    {
        string more = next.Length > 0 ? $",\"continue\":\"{next}\"" : "";
        await WriteAsync(
            $"{{\"kind\":\"{type.Kind}List\",\"apiVersion\":\"{type.ApiVersion}\",\"metadata\":{{\"resourceVersion\":\"{version}\"{more}}},\"items\":[");
        bool isFirst = true;
        foreach (var item in server.ReversesLists ? page.Reverse() : page)
        {
            if (!isFirst)
            {
                await WriteAsync(",");
            }

            isFirst = false;
            await body.WriteAsync(item.Utf8);
        }

        await WriteAsync("]}\n");
    }

    private async Task WatchAsync()
    {
        bool sendsInitial = request.Parameter("sendInitialEvents") == "true" && server.Options.Version >= ApiServerVersion.V1_36;

        // From the beginning: who has heard of the initial events may want the watch to end, or a bookmark, at once.
        var end = server.WatchesEnd;
        int bookmarks = server.Bookmarks;
        long version;
        if (sendsInitial || _version is "" or "0")
        {
            (version, var objects) = server.Store.List(type.Kind);
            foreach (var item in objects.Where(item => _selector.Matches(item.Json)))
            {
                await WriteEventAsync("ADDED", item);
            }

            if (sendsInitial)
            {
                await WriteBookmarkAsync(version, ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}");
            }
        }
        else
        {
            version = long.Parse(_version, CultureInfo.InvariantCulture);
        }

        await FollowAsync(version, bookmarks, end);
    }

    private async Task FollowAsync(long version, int bookmarks, CancellationToken end)
    {
        int seconds = int.Parse(request.Parameter("timeoutSeconds") ?? "1800", CultureInfo.InvariantCulture);
        var timeout = Task.Delay(TimeSpan.FromSeconds(seconds), context.RequestAborted);
        bool isBegun = false;
        while (!timeout.IsCompleted && !end.IsCancellationRequested)
        {
            // A bookmark that is wanted after what is read here comes with the next round.
            int wanted = server.Bookmarks;
            if (server.Store.Since(type.Kind, version) is not { } since)
            {
                await WriteExpiredAsync(version, isBegun);
                return;
            }

            foreach (var change in since.Changes)
            {
                await WriteChangeAsync(change);
            }

            version = since.Version;
            if (wanted != bookmarks && request.Parameter("allowWatchBookmarks") == "true")
            {
                bookmarks = wanted;
                await WriteBookmarkAsync(version, "");
            }

            await body.FlushAsync();
            isBegun = true;
            await Task.WhenAny(since.Next, timeout, Task.Delay(Timeout.Infinite, end), Task.Delay(Timeout.Infinite, context.RequestAborted));
            context.RequestAborted.ThrowIfCancellationRequested();
        }
    }

    private Task WriteExpiredAsync(long version, bool isBegun)
    {
        string message = $"too old resource version: {version} ({server.Store.Oldest})";
        return server.Options.ExpiresByStatus && !isBegun
            ? KubernetesApiServer.WriteStatusAsync(context, new(410, "Expired", message))
            : WriteAsync($"{{\"type\":\"ERROR\",\"object\":{KubernetesApiServer.StatusJson(410, "Expired", message)}}}\n");
    }

    /// <summary>An object that comes into the selection is added, one that leaves it is deleted.</summary>
    private async Task WriteChangeAsync(StoredChange change)
    {
        bool was = change.Old is not null && _selector.Matches(change.Old.Json);
        bool isNow = change.New is not null && _selector.Matches(change.New.Json);
        if (isNow)
        {
            await WriteEventAsync(was ? "MODIFIED" : "ADDED", change.New!);
        }
        else if (was)
        {
            await WriteEventAsync("DELETED", change.Old!.At(change.Version));
        }
    }

    private async Task WriteEventAsync(string kind, StoredObject item)
    {
        await WriteAsync($"{{\"type\":\"{kind}\",\"object\":");
        await body.WriteAsync(item.Utf8);
        await WriteAsync("}\n");
    }

    private Task WriteBookmarkAsync(long version, string annotations) => WriteAsync(
        $"{{\"type\":\"BOOKMARK\",\"object\":{{\"kind\":\"{type.Kind}\",\"apiVersion\":\"{type.ApiVersion}\",\"metadata\":"
        + $"{{\"resourceVersion\":\"{version}\",\"creationTimestamp\":null{annotations}}}}}}}\n");

    private Task WriteAsync(string text) => body.WriteAsync(Encoding.UTF8.GetBytes(text));
}
