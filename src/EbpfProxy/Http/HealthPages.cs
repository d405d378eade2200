using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;

namespace EbpfProxy.Http;

/// <summary>What kube-proxy serves on its health address, and /readyz: whether the tables have been complete once.</summary>
internal sealed class HealthPages(ProxyHealth health, ClusterCache cache, HealthMetrics metrics, Task firstSync)
{
    public Task HandleAsync(HttpContext context)
    {
        switch (context.Request.Path.Value)
        {
            case "/healthz":
                var healthz = health.Healthy(cache.Node);
                metrics.OnHealthz(healthz);
                return AnswerAsync(context, healthz, healthz.StatusCode);
            case "/livez":
                var livez = health.Live();
                metrics.OnLivez(livez);
                return AnswerAsync(context, livez, livez.StatusCode);
            case "/readyz":
                var readyz = health.Live();
                return AnswerAsync(context, readyz, firstSync.IsCompletedSuccessfully ? readyz.StatusCode : StatusCodes.Status503ServiceUnavailable);
            default:
                return Answer.NotFoundAsync(context.Response);
        }
    }

    private static Task AnswerAsync(HttpContext context, HealthReport report, int status) =>
        Answer.BytesAsync(context.Response, status, "application/json", report.ToJson());
}
