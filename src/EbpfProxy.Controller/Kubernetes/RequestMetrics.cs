using System.Globalization;
using System.Net;
using Prometheus;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>Counts the requests to API servers under the names that client-go gives them.</summary>
internal sealed class RequestMetrics
{
    private static readonly string[] _requestLabels = ["code", "method", "host"];
    private static readonly string[] _durationLabels = ["verb", "host"];
    private static readonly double[] _buckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

    private readonly Counter _requests;
    private readonly Histogram _duration;

    public RequestMetrics(CollectorRegistry registry)
    {
        var metrics = Metrics.WithCustomRegistry(registry);
        _requests = metrics.CreateCounter(
            "rest_client_requests_total", "Requests to API servers, by status code, method and host", _requestLabels);
        _duration = metrics.CreateHistogram(
            "rest_client_request_duration_seconds",
            "Time until the head of the answer came, by verb and host",
            _durationLabels,
            new HistogramConfiguration { Buckets = _buckets });
    }

    /// <param name="server">Who was asked.</param>
    /// <param name="status">The answer's status; null where there was none.</param>
    /// <param name="duration">How long it took.</param>
    public void OnRequest(Uri server, HttpStatusCode? status, TimeSpan duration)
    {
        string code = status is { } known ? ((int)known).ToString(CultureInfo.InvariantCulture) : "<error>";
        _requests.WithLabels(code, "GET", server.Authority).Inc();
        _duration.WithLabels("GET", server.Authority).Observe(duration.TotalSeconds);
    }
}
