using EbpfProxy.Http.Live;
using Prometheus;

namespace EbpfProxy.Http;

/// <summary>What kube-proxy serves on its metrics address, and the status page.</summary>
/// <param name="registry">The metrics.</param>
/// <param name="checks">Counts what is asked of /healthz here.</param>
/// <param name="pages">The pages about the process.</param>
/// <param name="configuration">The configuration in force, as JSON.</param>
/// <param name="page">The status page.</param>
internal sealed class MetricsPages(
    CollectorRegistry registry, PingMetrics checks, StatusPages pages, Func<byte[]> configuration, LivePage page)
{
    /// <summary>All paths, in order.</summary>
    public static IReadOnlyList<string> Paths { get; } =
        ["/configz", "/flagz", "/healthz", "/metrics", "/metrics/slis", "/proxyMode", "/statusz"];

    public Task HandleAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/configz" => Answer.BytesAsync(context.Response, StatusCodes.Status200OK, "application/json", configuration()),
        "/flagz" => pages.Flags().AnswerAsync(context),
        "/healthz" => HealthAsync(context),
        "/healthz/ping" => Answer.TextAsync(context.Response, "ok"),
        "/metrics" => ExportAsync(context, registry),
        "/metrics/slis" => ExportAsync(context, checks.Registry),
        "/proxyMode" => Answer.TextAsync(context.Response, "ebpf"),
        "/statusz" => pages.Status().AnswerAsync(context),
        { } path when LivePage.Paths.Contains(path) => page.HandleAsync(context),
        _ => Answer.NotFoundAsync(context.Response),
    };

    /// <summary>Whether this server answers, which is all that kube-proxy says here; how the proxy does is told at its health address.</summary>
    private Task HealthAsync(HttpContext context)
    {
        checks.OnHealthz();
        return Answer.TextAsync(context.Response, context.Request.Query.ContainsKey("verbose") ? "[+]ping ok\nhealthz check passed\n" : "ok");
    }

    private static Task ExportAsync(HttpContext context, CollectorRegistry registry)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return registry.CollectAndExportAsTextAsync(context.Response.Body, context.RequestAborted);
    }
}
