using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Events;
using EbpfProxy.Controller.Kubernetes;
using EbpfProxy.Controller.Manifests;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Options;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>Where the objects come from: a folder where one is named, else an API server.</summary>
internal static class ClusterSource
{
    /// <param name="options">What the daemon was told.</param>
    /// <param name="nodeName">The name of this node.</param>
    /// <param name="sink">Takes the objects.</param>
    /// <param name="faults">Hears of objects that make no sense.</param>
    /// <param name="registry">Where metrics are kept.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Hear of the rest.</param>
    /// <param name="isNodeEnough">Whether of an API server nothing but this node is asked.</param>
    /// <exception cref="InvalidDataException">The kubeconfig makes no sense.</exception>
    public static BackgroundService Create(
        ProxyOptions options,
        string nodeName,
        IClusterSink sink,
        IObjectFaults faults,
        CollectorRegistry registry,
        TimeProvider time,
        ILoggerFactory loggers,
        bool isNodeEnough = false)
    {
        if (options.Manifests is { } folder)
        {
            return new ManifestSource(folder, nodeName, sink, faults, time, loggers.CreateLogger<ManifestSource>(), options.AllowsExternalIPs);
        }

        var kubernetes = new KubernetesOptions
        {
            NodeName = nodeName,
            Kubeconfig = options.Kubeconfig,
            Masters = options.Masters,
            Qps = options.Qps,
            Burst = options.Burst,
            ReadsExternalIPs = options.AllowsExternalIPs,
            StateFile = StateFileOf(nodeName),
            FollowsOnlyNode = isNodeEnough,
        };
        return new KubernetesLoop(new KubernetesSource(
            kubernetes, sink, faults, registry, loggers.CreateLogger<KubernetesSource>(), time, Random.Shared));
    }

    /// <summary>Takes events for whoever looks at the cluster that the source is of.</summary>
    public static IEventSink EventsOf(BackgroundService source) => source is KubernetesLoop loop ? loop.Events : new NoEvents();

    /// <summary>
    /// What a source is called, what is wrong with it (null while all is well), and since when one of its watches has heard
    /// nothing (null where it has none).
    /// </summary>
    public static (string Name, string? Error, DateTimeOffset? Heard) StateOf(BackgroundService source, ProxyOptions options) => source is KubernetesLoop loop
        ? ($"API server {loop.Server}", loop.Error, loop.Heard)
        : ($"manifests in {options.Manifests}", (source as ManifestSource)?.Error, null);

    /// <summary>
    /// Outlives the process, not the machine: what is kept is only a hint where to ask first. Each node has its own, because
    /// one machine can be several nodes, of several clusters.
    /// </summary>
    internal static string StateFileOf(string nodeName) => $"/run/ebpf-proxy/api-servers-{Uri.EscapeDataString(nodeName)}";

    private sealed class KubernetesLoop(KubernetesSource source) : BackgroundService
    {
        public Uri Server => source.Server;

        public IEventSink Events => source.Events;

        public string? Error => source.Watches
            .Where(watch => watch.LastError is not null)
            .Select(watch => $"{watch.Resource}: {watch.LastError}")
            .FirstOrDefault();

        /// <summary>What an older server does not have is asked for once an hour only, and is no watch.</summary>
        public DateTimeOffset? Heard => source.Watches.Where(watch => watch.Watches > 0).Min(watch => watch.LastContact);

        public override void Dispose()
        {
            base.Dispose();
            source.Dispose();
        }

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => source.RunAsync(stoppingToken);
    }
}
