using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Controller.Manifests;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Options;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Where the objects come from: a folder where one is named, else an API server.</summary>
internal static class ClusterSource
{
    /// <exception cref="InvalidDataException">The kubeconfig makes no sense.</exception>
    public static BackgroundService Create(
        ProxyOptions options,
        string nodeName,
        IClusterSink sink,
        IObjectFaults faults,
        CollectorRegistry registry,
        TimeProvider time,
        ILoggerFactory loggers)
    {
        if (options.Manifests is { } folder)
        {
            return new ManifestSource(folder, nodeName, sink, faults, time, loggers.CreateLogger<ManifestSource>());
        }

        var kubernetes = new KubernetesOptions
        {
            NodeName = nodeName,
            Kubeconfig = options.Kubeconfig,
            Masters = options.Masters,
            Qps = options.Qps,
            Burst = options.Burst,
            StateFile = StateFileOf(nodeName),
        };
        return new KubernetesLoop(new KubernetesSource(
            kubernetes, sink, faults, registry, loggers.CreateLogger<KubernetesSource>(), time, Random.Shared));
    }

    /// <summary>What a source is called, and what is wrong with it; null while all is well.</summary>
    public static (string Name, string? Error) StateOf(BackgroundService source, ProxyOptions options) => source is KubernetesLoop loop
        ? ($"API server {loop.Server}", loop.Error)
        : ($"manifests in {options.Manifests}", null);

    /// <summary>
    /// Outlives the process, not the machine: what is kept is only a hint where to ask first. Each node has its own, because
    /// one machine can be several nodes, of several clusters.
    /// </summary>
    internal static string StateFileOf(string nodeName) => $"/run/ebpf-proxy/api-servers-{Uri.EscapeDataString(nodeName)}";

    private sealed class KubernetesLoop(KubernetesSource source) : BackgroundService
    {
        public Uri Server => source.Server;

        public string? Error => source.Watches
            .Where(watch => watch.LastError is not null)
            .Select(watch => $"{watch.Resource}: {watch.LastError}")
            .FirstOrDefault();

        public override void Dispose()
        {
            base.Dispose();
            source.Dispose();
        }

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => source.RunAsync(stoppingToken);
    }
}
