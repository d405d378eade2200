using Prometheus;

namespace EbpfProxy.Http;

/// <summary>What kube-proxy serves on its metrics address.</summary>
internal sealed class MetricsPages(CollectorRegistry registry)
{
    public Task HandleAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/metrics" => ExportAsync(context),
        "/healthz" or "/healthz/ping" => Answer.TextAsync(context.Response, "ok"),
        "/proxyMode" => Answer.TextAsync(context.Response, "ebpf"),
        _ => Answer.NotFoundAsync(context.Response),
    };

    private Task ExportAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return registry.CollectAndExportAsTextAsync(context.Response.Body, context.RequestAborted);
    }
}
