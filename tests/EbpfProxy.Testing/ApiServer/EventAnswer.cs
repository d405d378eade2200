using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace EbpfProxy.Testing.ApiServer;

/// <summary>Answers who creates an event of events.k8s.io/v1, with the validation of an API server.</summary>
internal static class EventAnswer
{
    private const string Prefix = "/apis/events.k8s.io/v1/namespaces/";
    private const string Suffix = "/events";

    /// <summary>The namespace that an event is to be created in; null for another request.</summary>
    public static string? SpaceOf(HttpRequest request)
    {
        string path = request.Path.Value ?? "";
        return request.Method == "POST" && path.StartsWith(Prefix, StringComparison.Ordinal) && path.EndsWith(Suffix, StringComparison.Ordinal)
            ? path[Prefix.Length..^Suffix.Length]
            : null;
    }

    public static async Task WriteAsync(HttpContext context, string space, ApiServerVersion version, ConcurrentQueue<JsonObject> events)
    {
        var json = (JsonObject)(await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted))!;
        string name = Text(json["metadata"]?["name"]);
        if (Fault(json, space, version) is { } fault)
        {
            await KubernetesApiServer.WriteStatusAsync(context, new(422, "Invalid", $"Event.events.k8s.io \"{name}\" is invalid: {fault}"));
            return;
        }

        if (events.Any(other => Text(other["metadata"]!["name"]) == name && Text(other["metadata"]!["namespace"]) == space))
        {
            await KubernetesApiServer.WriteStatusAsync(context, new(409, "AlreadyExists", $"events.events.k8s.io \"{name}\" already exists"));
            return;
        }

        events.Enqueue(json);
        context.Response.StatusCode = 201;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(json.ToJsonString(), context.RequestAborted);
    }

    private static string? Fault(JsonObject json, string space, ApiServerVersion version)
    {
        // Where events about what has no namespace may be: older servers knew one place (kubernetes/kubernetes#100125).
        string[] spaces = version == ApiServerVersion.V1_21 ? ["kube-system"] : ["default", "kube-system"];
        string regarding = Text(json["regarding"]?["namespace"]);
        return json switch
        {
            _ when Text(json["metadata"]?["name"]).Length == 0 => "metadata.name: Required value",
            _ when Text(json["metadata"]?["namespace"]) != space => "the namespace of the provided object does not match the namespace sent on the request",
            _ when regarding.Length == 0 && !spaces.Contains(space) => "involvedObject.namespace: Invalid value: \"\": does not match event.namespace",
            _ when regarding.Length > 0 && regarding != space => "involvedObject.namespace: Invalid value: does not match event.namespace",
            _ when !IsMicroTime(Text(json["eventTime"])) => "eventTime: Required value",
            _ when Text(json["reportingController"]).Length == 0 => "reportingController: Required value",
            _ when Text(json["reportingInstance"]).Length is 0 or > 128 => "reportingInstance: can have at most 128 characters",
            _ when Text(json["action"]).Length is 0 or > 128 => "action: can have at most 128 characters",
            _ when Text(json["reason"]).Length is 0 or > 128 => "reason: can have at most 128 characters",
            _ when Text(json["note"]).Length > 1024 => "message: can have at most 1024 characters",
            _ when Text(json["type"]) is not ("Normal" or "Warning") => "type: has invalid value",
            _ => null,
        };
    }

    private static bool IsMicroTime(string text) => DateTimeOffset.TryParseExact(
        text, "yyyy-MM-dd'T'HH:mm:ss.ffffffK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _);

    private static string Text(JsonNode? node) => node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : "";
}
