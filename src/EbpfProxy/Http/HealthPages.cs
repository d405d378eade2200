using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;
using EbpfProxy.Daemon;

namespace EbpfProxy.Http;

/// <summary>What kube-proxy serves on its health address, and /readyz: whether a rollout may go on to the next node.</summary>
internal sealed class HealthPages(ProxyHealth health, ClusterCache cache, HealthMetrics metrics, Readiness readiness)
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
                string? reason = readiness.Describe();
                return AnswerAsync(
                    context,
                    health.Live() with { NotReady = reason },
                    reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
            default:
                return Answer.NotFoundAsync(context.Response);
        }
    }

    private static Task AnswerAsync(HttpContext context, HealthReport report, int status) =>
        Answer.BytesAsync(context.Response, status, "application/json", report.ToJson());
}
