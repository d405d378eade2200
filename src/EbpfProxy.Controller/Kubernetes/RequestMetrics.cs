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
    private readonly Histogram _turn;

    public RequestMetrics(CollectorRegistry registry)
    {
        var metrics = Metrics.WithCustomRegistry(registry);
        _requests = metrics.CreateCounter(
            "rest_client_requests_total",
            "Requests to API servers, by status code, method and host. Codes of 400 and more: see `ebpf-proxy status` and the log; `<error>` had no answer",
            _requestLabels);
        _duration = Durations(metrics, "rest_client_request_duration_seconds", "Time until the head of the answer came, by verb and host");
        _turn = Durations(
            metrics,
            "rest_client_rate_limiter_duration_seconds",
            "Time that requests waited before they were sent, by verb and host. Where it is long, raise --kube-api-qps and --kube-api-burst");
    }

    /// <param name="server">Who was asked.</param>
    /// <param name="method">By which method.</param>
    /// <param name="status">The answer's status; null where there was none.</param>
    /// <param name="duration">How long it took.</param>
    public void OnRequest(Uri server, HttpMethod method, HttpStatusCode? status, TimeSpan duration)
    {
        string code = status is { } known ? ((int)known).ToString(CultureInfo.InvariantCulture) : "<error>";
        _requests.WithLabels(code, method.Method, server.Authority).Inc();
        _duration.WithLabels(method.Method, server.Authority).Observe(duration.TotalSeconds);
    }

    /// <param name="server">Who is asked.</param>
    /// <param name="method">By which method.</param>
    /// <param name="duration">How long the request waited for its turn.</param>
    public void OnTurn(Uri server, HttpMethod method, TimeSpan duration) =>
        _turn.WithLabels(method.Method, server.Authority).Observe(duration.TotalSeconds);

    private static Histogram Durations(MetricFactory metrics, string name, string help) =>
        metrics.CreateHistogram(name, help, _durationLabels, new HistogramConfiguration { Buckets = _buckets });
}
