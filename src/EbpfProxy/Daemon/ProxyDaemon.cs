using System.Reflection;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Health;
using EbpfProxy.Controller.Sync;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.View;
using EbpfProxy.Http;
using EbpfProxy.Logging;
using EbpfProxy.Model.Network;
using EbpfProxy.Options;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>The daemon: puts the parts together, runs them, and leaves programs and tables in place when it stops.</summary>
internal static class ProxyDaemon
{
    private const string Source = "source";

    public static string Version { get; } =
        typeof(ProxyDaemon).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>Runs until a signal comes or a part fails. Returns the exit code.</summary>
    public static async Task<int> RunAsync(ProxyOptions options, string nodeName, IReadOnlyList<string> warnings, CancellationToken token)
    {
        using var log = new LineLoggerProvider(new LineWriter(Console.Error, options.LogFormat, options.Verbosity, TimeProvider.System));
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IHostLifetime, StopAtOnce>();
        var podPrefixes = options.DetectLocalMode == DetectLocalMode.NodeCidr
            ? await WaitForPodPrefixesAsync(options, nodeName, log, token)
            : [];
        AddParts(builder.Services, options, nodeName, podPrefixes);
        using var host = builder.Build();
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ProxyDaemon).FullName!);
        Log.Starting(logger, Version, nodeName, Environment.ProcessId);
        foreach (string warning in warnings)
        {
            Log.OptionWarning(logger, warning);
        }

        return await RunAsync(host, logger, token);
    }

    private static async Task<IReadOnlyList<Prefix>> WaitForPodPrefixesAsync(
        ProxyOptions options, string nodeName, ILoggerProvider log, CancellationToken token)
    {
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log));
        return await PodPrefixes.WaitAsync(options, nodeName, TimeProvider.System, loggers, token);
    }

    private static async Task<int> RunAsync(IHost host, ILogger logger, CancellationToken token)
    {
        List<BackgroundService> parts;
        try
        {
            // Before anything of the kernel is touched: credentials that make no sense cost nothing.
            host.Services.GetRequiredKeyedService<BackgroundService>(Source);
            parts = [.. host.Services.GetServices<IHostedService>().OfType<BackgroundService>()];
            await host.RunAsync(token);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            // The command line tells it, as it tells every failure.
            Log.CannotStart(logger, e);
            throw;
        }

        var failed = parts.Where(p => p.ExecuteTask?.IsFaulted == true).ToList();
        foreach (var part in failed)
        {
            Log.PartFailed(logger, part.GetType().Name, part.ExecuteTask!.Exception!.GetBaseException());
        }

        return failed.Count == 0 ? 0 : 1;
    }

    private static void AddParts(IServiceCollection services, ProxyOptions options, string nodeName, IReadOnlyList<Prefix> podPrefixes)
    {
        services.AddSingleton(_ => Metrics.DefaultRegistry);
        services.AddSingleton<IMetricFactory>(_ => Metrics.DefaultFactory);
        services.AddSingleton(p => new ProxyHealth(p.GetRequiredService<TimeProvider>(), options.SyncPeriod * 2));
        services.AddSingleton<HealthMetrics>();
        services.AddSingleton<SyncMetrics>();
        services.AddSingleton<ObjectFaults>();
        services.AddSingleton(p => new ClusterCache(p.GetRequiredService<SyncMetrics>()));
        services.AddSingleton(p => OpenDatapath(options, podPrefixes, p.GetRequiredService<ILogger<ServiceDatapath>>()));
        services.AddSingleton<IServiceDatapath>(p => p.GetRequiredService<ServiceDatapath>());
        services.AddSingleton(p => new SyncLoop(
            p.GetRequiredService<ClusterCache>(),
            p.GetRequiredService<IServiceDatapath>(),
            nodeName,
            p.GetRequiredService<SyncMetrics>(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<SyncLoop>>()));

        services.AddKeyedSingleton<BackgroundService>(Source, (p, _) => ClusterSource.Create(
            options,
            nodeName,
            p.GetRequiredService<ClusterCache>(),
            p.GetRequiredService<ObjectFaults>(),
            p.GetRequiredService<CollectorRegistry>(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILoggerFactory>()));

        // In the order of starting: health can be asked before the first sync, and the loop waits for the source.
        services.AddSingleton<IHostedService>(p => HealthServer(p, options));
        services.AddSingleton<IHostedService>(p => MetricsServer(p, options));
        services.AddSingleton<IHostedService>(p => p.GetRequiredKeyedService<BackgroundService>(Source));
        services.AddSingleton<IHostedService>(p => p.GetRequiredService<SyncLoop>());
        services.AddSingleton<IHostedService>(p => new NodeWatch(
            p.GetRequiredService<ServiceDatapath>(),
            p.GetRequiredService<ClusterCache>(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<NodeWatch>>()));
        services.AddSingleton<IHostedService>(p => Notes(p, options, nodeName));
        if (options.DetectLocalMode == DetectLocalMode.NodeCidr)
        {
            services.AddSingleton<IHostedService>(p => new PodPrefixWatch(p.GetRequiredService<ClusterCache>(), podPrefixes, p.GetRequiredService<TimeProvider>()));
        }

        services.AddSingleton<IHostedService>(p => new MemoryTrim(
            p.GetRequiredService<SyncLoop>().FirstSync,
            () => p.GetRequiredService<SyncLoop>().State.LastSync,
            p.GetRequiredService<TimeProvider>(),
            () => MemoryTrim.TrimAll(p.GetRequiredService<ServiceDatapath>())));
    }

    private static ServiceDatapath OpenDatapath(ProxyOptions options, IReadOnlyList<Prefix> podPrefixes, ILogger logger)
    {
        if (options.CgroupRoot is { } cgroup)
        {
            CgroupRoot.Validate(cgroup);
        }

        BpfFileSystem.Ensure(options.BpfFileSystem);
        return ServiceDatapath.Open(
            NodeOptions.Of(options, podPrefixes),
            logger);
    }

    private static NoteWriter Notes(IServiceProvider services, ProxyOptions options, string nodeName)
    {
        var source = services.GetRequiredKeyedService<BackgroundService>(Source);
        var sync = services.GetRequiredService<SyncLoop>();
        var datapath = services.GetRequiredService<ServiceDatapath>();
        var started = services.GetRequiredService<TimeProvider>().GetUtcNow();
        string cgroup = options.CgroupRoot ?? CgroupRoot.Find();
        return new NoteWriter(
            () =>
            {
                var (name, error) = ClusterSource.StateOf(source, options);
                var state = sync.State;
                return new DaemonNote(
                    Version, Environment.ProcessId, started, nodeName, cgroup, name, error, state.LastSync, state.Error,
                    datapath.Devices.Failed);
            },
            text => DaemonNotes.Write(options.BpfFileSystem, text),
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<NoteWriter>>());
    }

    private static HttpServer HealthServer(IServiceProvider services, ProxyOptions options)
    {
        var pages = new HealthPages(
            services.GetRequiredService<ProxyHealth>(),
            services.GetRequiredService<ClusterCache>(),
            services.GetRequiredService<HealthMetrics>(),
            services.GetRequiredService<SyncLoop>().FirstSync);
        return new HttpServer(
            "health", options.Healthz, pages.HandleAsync, options.BindAddressHardFail, services, services.GetRequiredService<TimeProvider>());
    }

    private static HttpServer MetricsServer(IServiceProvider services, ProxyOptions options)
    {
        // The adapters of the library tell .NET's own meters, hundreds of series that nobody asked for.
        Metrics.SuppressDefaultMetrics(new SuppressDefaultMetricOptions { SuppressEventCounters = true, SuppressMeters = true, SuppressDebugMetrics = true });
        var registry = services.GetRequiredService<CollectorRegistry>();
        _ = new ProcessMetrics(registry, Version);
        _ = new DatapathMetrics(
            services.GetRequiredService<IMetricFactory>(), registry, options.BpfFileSystem, services.GetRequiredService<ServiceDatapath>(), services.GetRequiredService<ILogger<DatapathMetrics>>());
        return new HttpServer(
            "metrics",
            options.Metrics,
            new MetricsPages(registry).HandleAsync,
            options.BindAddressHardFail,
            services,
            services.GetRequiredService<TimeProvider>());
    }
}
