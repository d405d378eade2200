using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using EbpfProxy.Options;
using Prometheus;

namespace EbpfProxy.Daemon;

/// <summary>The prefixes of this node's pods, which the programs of detectLocalMode NodeCIDR are loaded with.</summary>
internal static class PodPrefixes
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    /// <summary>The first of each family.</summary>
    public static IReadOnlyList<Prefix> Of(ClusterNode? node) => [.. (node?.PodPrefixes ?? []).DistinctBy(prefix => prefix.Address.Family)];

    /// <summary>Waits until the Node object has them, by a source that ends with this.</summary>
    /// <exception cref="IOException">It had none in time; in kube-proxy's words.</exception>
    public static async Task<IReadOnlyList<Prefix>> WaitAsync(
        ProxyOptions options, string nodeName, TimeProvider time, ILoggerFactory loggers, CancellationToken token)
    {
        var sink = new NodeSink();
        using var source = ClusterSource.Create(options, nodeName, sink, new NoFaults(), Metrics.NewCustomRegistry(), time, loggers, isNodeEnough: true);
        await source.StartAsync(token);
        try
        {
            return Of(await sink.Allocated.WaitAsync(_patience, time, token));
        }
        catch (TimeoutException)
        {
            throw new IOException(sink.Exists
                ? $"timeout waiting for PodCIDR allocation on node \"{nodeName}\""
                : $"timeout waiting for node \"{nodeName}\" to exist");
        }
        finally
        {
            await source.StopAsync(CancellationToken.None);
        }
    }

    /// <summary>Heeds the Node object alone.</summary>
    private sealed class NodeSink : IClusterSink
    {
        private readonly TaskCompletionSource<ClusterNode> _allocated = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ClusterNode> Allocated => _allocated.Task;

        public bool Exists { get; private set; }

        public void SetNode(ClusterNode? node)
        {
            Exists = node is not null;
            if (node is { PodPrefixes.IsEmpty: false })
            {
                _allocated.TrySetResult(node);
            }
        }

        public IObjectList<Service> BeginServices() => new NoList<Service>();

        public IObjectList<EndpointSlice> BeginSlices() => new NoList<EndpointSlice>();

        public void SetService(Service service)
        {
        }

        public void RemoveService(ObjectName service)
        {
        }

        public void SetSlice(EndpointSlice slice)
        {
        }

        public void RemoveSlice(ObjectName slice)
        {
        }

        public void KeepUnknown(bool isInPart)
        {
        }

        public void SetServicePrefixes(IReadOnlyCollection<Prefix> prefixes)
        {
        }
    }

    private sealed class NoList<T> : IObjectList<T>
    {
        public void Add(T item)
        {
        }

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }

    /// <summary>What makes no sense is told by the source that follows.</summary>
    private sealed class NoFaults : IObjectFaults
    {
        public void Report(string kind, ObjectName name, string field, string message)
        {
        }
    }
}

/// <summary>Ends the daemon when the node's pods get other prefixes: the next one is loaded with those.</summary>
internal sealed class PodPrefixWatch(ClusterCache cache, IReadOnlyList<Prefix> loaded, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            // A node that is gone for a while keeps what it had.
            if (PodPrefixes.Of(cache.Node) is { Count: > 0 } now && !now.SequenceEqual(loaded))
            {
                throw new InvalidOperationException($"the node's podCIDRs changed from {string.Join(",", loaded)} to {string.Join(",", now)}");
            }

            await Task.Delay(_interval, time, stoppingToken);
        }
    }
}
