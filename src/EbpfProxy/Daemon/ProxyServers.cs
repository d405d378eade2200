using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Events;
using EbpfProxy.Controller.Health;
using EbpfProxy.Datapath;
using EbpfProxy.Http;
using EbpfProxy.Http.Live;
using EbpfProxy.Options;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>What the daemon serves over HTTP: its health, its metrics, and the health of Services.</summary>
internal static class ProxyServers
{
    public static void AddHealthChecks(IServiceCollection services, string nodeName)
    {
        services.AddSingleton(p => new HealthCheckHost(p, p.GetRequiredService<TimeProvider>()));
        services.AddSingleton(p => new HealthCheckPorts(
            nodeName,
            () => p.GetRequiredService<ServiceDatapath>().ListenOn,
            p.GetRequiredService<HealthCheckHost>(),
            p.GetRequiredService<ProxyHealth>(),
            p.GetRequiredService<IEventSink>(),
            p.GetRequiredService<ILogger<HealthCheckPorts>>()));
    }

    public static HttpServer Health(IServiceProvider services, ProxyOptions options, string nodeName)
    {
        var pages = new HealthPages(
            services.GetRequiredService<ProxyHealth>(),
            services.GetRequiredService<ClusterCache>(),
            services.GetRequiredService<HealthMetrics>(),
            services.GetRequiredService<Readiness>());
        return Serve(services, "health", options.Healthz, pages.HandleAsync, options, error => ClusterEvent.HealthFailed(nodeName, error));
    }

    public static HttpServer Metrics(IServiceProvider services, ProxyOptions options, string nodeName)
    {
        // The adapters of the library tell .NET's own meters, hundreds of series that nobody asked for.
        Prometheus.Metrics.SuppressDefaultMetrics(
            new SuppressDefaultMetricOptions { SuppressEventCounters = true, SuppressMeters = true, SuppressDebugMetrics = true });
        var registry = services.GetRequiredService<CollectorRegistry>();
        _ = new ProcessMetrics(registry, ProxyDaemon.Version, options.FeatureGates);
        _ = new ServiceMetrics(
            services.GetRequiredService<IMetricFactory>(),
            registry,
            options.BpfFileSystem,
            options.ServiceMetricsLimit,
            services.GetRequiredService<ILogger<ServiceMetrics>>());
        _ = new DatapathMetrics(
            services.GetRequiredService<IMetricFactory>(),
            registry,
            options.BpfFileSystem,
            services.GetRequiredService<ServiceDatapath>(),
            services.GetRequiredService<ILogger<DatapathMetrics>>());
        _ = new MapMetrics(
            services.GetRequiredService<IMetricFactory>(),
            registry,
            options.BpfFileSystem,
            services.GetRequiredService<ServiceDatapath>(),
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<MapMetrics>>());
        _ = new ProgramMetrics(
            services.GetRequiredService<IMetricFactory>(),
            registry,
            services.GetRequiredService<ServiceDatapath>(),
            services.GetRequiredService<ILogger<ProgramMetrics>>());
        var status = new StatusPages(
            ProxyDaemon.Version,
            FlagValues.Of([.. Environment.GetCommandLineArgs().Skip(1)]),
            MetricsPages.Paths,
            services.GetRequiredService<TimeProvider>());
        var reader = new LiveReader(options.BpfFileSystem, () => services.GetRequiredService<ServiceDatapath>().Devices.Attached, services.GetRequiredService<TimeProvider>());
        var pages = new MetricsPages(registry, new PingMetrics(), status, () => Configz(options), new LivePage(reader.Read, options.OpensStatusPage));
        return Serve(services, "metrics", options.Metrics, pages.HandleAsync, options, error => ClusterEvent.MetricsFailed(nodeName, error));
    }

    private static byte[] Configz(ProxyOptions options) =>
        Encoding.UTF8.GetBytes(new JsonObject { ["kubeproxy.config.k8s.io"] = EffectiveConfiguration.Of(options) }.ToJsonString());

    private static HttpServer Serve(
        IServiceProvider services, string name, IPEndPoint address, RequestDelegate handle, ProxyOptions options, Func<string, ClusterEvent> failed)
    {
        var events = services.GetRequiredService<IEventSink>();
        Task GiveUp(string error)
        {
            events.Publish(failed(error));
            return events.FlushAsync();
        }

        return new HttpServer(
            name, address, handle, options.BindAddressHardFail ? GiveUp : null, services, services.GetRequiredService<TimeProvider>());
    }
}
