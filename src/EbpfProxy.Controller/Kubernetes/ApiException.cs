using System.Net;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>The API server answered a request with an error, or ended a watch with one.</summary>
internal sealed class ApiException(HttpStatusCode status, string message, TimeSpan? retryAfter = null)
    : Exception($"{(int)status}: {message}")
{
    public HttpStatusCode Status { get; } = status;

    /// <summary>How long the server wants to be left alone.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>Whether the resource version is too old to go on from.</summary>
    public bool IsExpired => Status == HttpStatusCode.Gone;

    /// <summary>Whether the server does not take the parameters of the request: it does not stream lists.</summary>
    public bool IsRefusal => Status is HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity;

    /// <summary>Whether the server does not have the resource, or does not show it to us.</summary>
    public bool IsAbsence => Status is HttpStatusCode.NotFound or HttpStatusCode.Forbidden;

    /// <summary>Whether the answer says nothing of the request: no right to it now, too much to do, or a gateway without its server.</summary>
    public bool IsPassing => Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.TooManyRequests
        or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    /// <summary>Whether the server does not yet know the resource version that we have seen elsewhere.</summary>
    public bool IsAhead => Status == HttpStatusCode.GatewayTimeout
        && Message.Contains("Too large resource version", StringComparison.Ordinal);
}
