using System.Reflection;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Events;
using EbpfProxy.Controller.Health;
using EbpfProxy.Controller.Sync;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.Conntrack;
using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.View;
using EbpfProxy.Http;
using EbpfProxy.Logging;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;
using EbpfProxy.Options;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>The daemon: puts the parts together, runs them, and leaves programs and tables in place when it stops.</summary>
internal static class ProxyDaemon
{
    private const string Source = "source";
    private const string Health = "health";

    /// <summary>What waits for less is on its way.</summary>
    private static readonly TimeSpan _shortestWait = TimeSpan.FromSeconds(5);

    public static string Version { get; } =
        typeof(ProxyDaemon).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>Runs until a signal comes or a part fails. Returns the exit code.</summary>
    public static async Task<int> RunAsync(
        ProxyOptions options, string nodeName, IReadOnlyList<string> warnings, bool onlyInitializes, CancellationToken token)
    {
        using var log = new LineLoggerProvider(new LineWriter(Console.Error, options.LogFormat, options.Verbosity, TimeProvider.System));
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);

        // Each connection above the limit is a line there: as many as somebody likes to open.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.Connections", LogLevel.Error);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<StopAtOnce>();
        builder.Services.AddSingleton<IHostLifetime>(p => p.GetRequiredService<StopAtOnce>());
        var podPrefixes = options.DetectLocalMode == DetectLocalMode.NodeCidr && !onlyInitializes
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

        ConnectionTracking.Load();
        var sysctls = new ConntrackSysctls(options.Conntrack, logger);
        if (onlyInitializes)
        {
            sysctls.Apply();
            BpfFileSystem.Ensure(options.BpfFileSystem);
            ServiceDatapath.Prepare(NodeOptions.Of(options));
            Log.Initialized(logger, options.BpfFileSystem);
            return 0;
        }

        OpenFileLimit.Raise();
        NativeHeap.KeepLittle();
        OutOfMemoryScore.Set(options.OomScoreAdjustment, logger);
        return await RunAsync(host, nodeName, sysctls, logger, token);
    }

    private static async Task<IReadOnlyList<Prefix>> WaitForPodPrefixesAsync(
        ProxyOptions options, string nodeName, ILoggerProvider log, CancellationToken token)
    {
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log));

        // The host, which heeds signals, is not there yet, and process 1 of a container ends by none that it does not heed.
        using var signals = new StopAtOnce(loggers.CreateLogger<StopAtOnce>());
        await signals.WaitForStartAsync(token);
        return await PodPrefixes.WaitAsync(options, nodeName, TimeProvider.System, loggers, token);
    }

    private static async Task<int> RunAsync(IHost host, string nodeName, ConntrackSysctls sysctls, ILogger logger, CancellationToken token)
    {
        List<BackgroundService> parts;
        try
        {
            // Before anything of the kernel is touched: credentials that make no sense cost nothing.
            await host.Services.GetRequiredService<HeadStart>().BeginAsync(token);
            parts = [.. host.Services.GetServices<IHostedService>().OfType<BackgroundService>()];

            // Nor the node's settings, where the tables are another daemon's or cannot be had.
            sysctls.Apply();
            host.Services.GetRequiredService<IEventSink>().Publish(ClusterEvent.Starting(nodeName));
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
            Log.PartFailed(logger, ((part as HeadStart)?.Part ?? part).GetType().Name, part.ExecuteTask!.Exception!.GetBaseException());
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
        services.AddSingleton(p => new ClusterCache(p.GetRequiredService<SyncMetrics>(), p.GetRequiredService<TimeProvider>().GetUtcNow()));
        services.AddSingleton(p =>
        {
            var datapath = OpenDatapath(options, podPrefixes, p.GetRequiredService<ILogger<ServiceDatapath>>());
            datapath.Contested = p.GetRequiredService<ObjectFaults>().Report;
            p.GetRequiredService<StopAtOnce>().Before(datapath.Leave);
            return datapath;
        });
        services.AddSingleton<IServiceDatapath>(p => p.GetRequiredService<ServiceDatapath>());
        services.AddSingleton(p => new SyncLoop(
            p.GetRequiredService<ClusterCache>(),
            p.GetRequiredService<IServiceDatapath>(),
            node => NodeOptions.ContextOf(options, nodeName, node),
            p.GetRequiredService<SyncMetrics>(),
            p.GetRequiredService<HealthCheckPorts>(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<SyncLoop>>()));
        services.AddSingleton(p => new Readiness(
            p.GetRequiredService<SyncLoop>().FirstSync,
            p.GetRequiredService<ProxyHealth>(),
            () => p.GetRequiredService<ServiceDatapath>().Devices.Unmatched,
            p.GetRequiredService<IMetricFactory>(),
            p.GetRequiredService<CollectorRegistry>()));
        ProxyServers.AddHealthChecks(services, nodeName);

        services.AddKeyedSingleton<BackgroundService>(Source, (p, _) => ClusterSource.Create(
            options,
            nodeName,
            p.GetRequiredService<ClusterCache>(),
            p.GetRequiredService<ObjectFaults>(),
            p.GetRequiredService<CollectorRegistry>(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILoggerFactory>()));

        services.AddSingleton(p => new HeadStart(p.GetRequiredKeyedService<BackgroundService>(Source)));
        services.AddSingleton(p => ClusterSource.EventsOf(p.GetRequiredKeyedService<BackgroundService>(Source)));

        // In the order of starting: health can be asked before the first sync, and the loop waits for the source.
        if (options.ServesHealthz)
        {
            services.AddKeyedSingleton(Health, (p, _) => ProxyServers.Health(p, options, nodeName));
            services.AddSingleton<IHostedService>(p => p.GetRequiredKeyedService<HttpServer>(Health));
        }

        services.AddSingleton<IHostedService>(p => ProxyServers.Metrics(p, options, nodeName));
        services.AddSingleton<IHostedService>(p => p.GetRequiredService<HeadStart>());
        services.AddSingleton<IHostedService>(p => p.GetRequiredService<SyncLoop>());
        services.AddSingleton<IHostedService>(p => new NodeWatch(
            p.GetRequiredService<ServiceDatapath>(),
            p.GetRequiredService<ClusterCache>(),
            p.GetRequiredService<HealthCheckPorts>(),
            p.GetRequiredService<ProxyHealth>(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<NodeWatch>>()));
        services.AddSingleton<IHostedService>(p => new StaleFlowWatch(p.GetRequiredService<ServiceDatapath>(), p.GetRequiredService<IMetricFactory>()));
        services.AddSingleton<IHostedService>(p => new TakeoverWatch(
            options,
            nodeName,
            p.GetRequiredService<SyncLoop>().FirstSync,
            p.GetRequiredService<IEventSink>(),
            p.GetRequiredService<IMetricFactory>(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<TakeoverWatch>>()));
        services.AddSingleton<IHostedService>(p => Notes(p, options, nodeName, podPrefixes));
        services.AddSingleton<IHostedService>(p => new NodeCheck(
            options,
            p.GetRequiredService<ClusterCache>(),
            NodeNetworkWatcher.Read,
            NodeCheck.HasIPv6(),
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<NodeCheck>>()));
        if (options.File is { } file)
        {
            services.AddSingleton<IHostedService>(p => new ConfigurationWatch(file, p.GetRequiredService<TimeProvider>()));
        }

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

        var node = NodeOptions.Of(options, podPrefixes);
        BpfFileSystem.Ensure(options.BpfFileSystem);
        return ServiceDatapath.Open(node, logger);
    }

    private static NoteWriter Notes(
        IServiceProvider services, ProxyOptions options, string nodeName, IReadOnlyList<Prefix> podPrefixes)
    {
        var source = services.GetRequiredKeyedService<BackgroundService>(Source);
        var sync = services.GetRequiredService<SyncLoop>();
        var datapath = services.GetRequiredService<ServiceDatapath>();
        var health = services.GetRequiredService<ProxyHealth>();
        var readiness = services.GetRequiredService<Readiness>();
        var server = services.GetKeyedService<HttpServer>(Health);
        var time = services.GetRequiredService<TimeProvider>();
        var started = time.GetUtcNow();
        string cgroup = options.CgroupRoot ?? CgroupRoot.Find();
        var pods = NodeOptions.LocalTrafficOf(options, podPrefixes);
        var loopback = options.SocketTranslation == SocketTranslation.Off ? LoopbackNodePorts.None : SocketSettings.From(options).LoopbackNodePorts;
        string prefixes = DaemonNote.PrefixesOf(new[] { pods.IPv4, pods.IPv6 }.OfType<Prefix>());
        return new NoteWriter(
            () =>
            {
                var (name, error, heard) = ClusterSource.StateOf(source, options);
                var state = sync.State;
                var failed = datapath.Devices.Failed;
                return new DaemonNote(
                    Version, Environment.ProcessId, started, nodeName, cgroup, name, error, heard, state.LastSync, state.Error,
                    failed.Count, DaemonNote.NamesOf(failed), pods.Detection != LocalDetection.Unknown, prefixes, options.MasqueradesAll,
                    options.PreservesClientAddress, DaemonNote.PrefixesOf(datapath.ServicePrefixes), loopback,
                    server?.Address.ToString(), server?.Error, health.WaitingSince is { } since && time.GetUtcNow() - since >= _shortestWait ? since : null)
                {
                    NotReady = readiness.Describe(),
                };
            },
            text => DaemonNotes.Write(options.BpfFileSystem, text),
            sync.FirstSync,
            time,
            services.GetRequiredService<ILogger<NoteWriter>>());
    }
}
