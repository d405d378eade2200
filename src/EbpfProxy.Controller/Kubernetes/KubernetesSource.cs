using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Events;
using EbpfProxy.Controller.Objects;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>Follows the Services, EndpointSlices, ServiceCIDRs and this node of an API server into a sink.</summary>
public sealed class KubernetesSource : IDisposable
{
    private readonly ILogger _log;
    private readonly ApiServers _servers;
    private readonly ApiConnection _connection;
    private readonly ApiClient _client;
    private readonly Reflector[] _reflectors;
    private readonly EventWriter _events;
    private readonly bool _isStrandable;

    /// <summary>Throws <see cref="InvalidDataException"/> where the options or the kubeconfig make no sense.</summary>
    /// <param name="options">How to reach the API server.</param>
    /// <param name="sink">Takes the objects.</param>
    /// <param name="faults">Hears of objects that make no sense.</param>
    /// <param name="registry">Where its metrics are kept.</param>
    /// <param name="log">Hears of the rest.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Spreads what many nodes do at once.</param>
    public KubernetesSource(
        KubernetesOptions options,
        IClusterSink sink,
        IObjectFaults faults,
        CollectorRegistry registry,
        ILogger<KubernetesSource> log,
        TimeProvider time,
        Random random)
    {
        _log = log;
        var credentials = CredentialsLoader.Load(options, time);
        _servers = new ApiServers(credentials.Servers, options.StateFile, log);
        _connection = new ApiConnection(credentials, _servers, log);
        _client = new ApiClient(credentials, _servers, _connection, options, new RequestMetrics(registry), time);
        _reflectors = [.. MakeResources(options, sink, faults)
            .Select(resource => new Reflector(resource, _client, options.StreamsLists, faults, log, time, random))];
        Watches = [.. _reflectors.Select(reflector => reflector.Status)];
        _ = new WatchMetrics(registry, Watches, time);
        _isStrandable = options is { IsInClusterServerAService: true, FollowsOnlyNode: false }
            && credentials.Servers is [var only] && only == options.InClusterServer;
        _events = new EventWriter(_client, options.NodeName, log, time, random);
    }

    /// <summary>The state of each watch: services, endpointslices, nodes, servicecidrs; or nodes alone.</summary>
    public IReadOnlyList<WatchStatus> Watches { get; }

    /// <summary>Takes events for the API server.</summary>
    public IEventSink Events => _events;

    /// <summary>The API server that is asked.</summary>
    public Uri Server => _servers.Current;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken token)
    {
        Log.Following(_log, _servers.Current);
        if (_isStrandable && _servers.Count == 1)
        {
            Log.OnlyService(_log, _servers.Current);
        }

        var events = Task.Run(() => _events.RunAsync(token), CancellationToken.None);
        await Task.WhenAll(_reflectors.Select(reflector => Task.Run(() => reflector.RunAsync(token), CancellationToken.None)));
        await events;
    }

    public void Dispose()
    {
        _client.Dispose();
        _connection.Dispose();
    }

    private IEnumerable<Resource> MakeResources(KubernetesOptions options, IClusterSink sink, IObjectFaults faults) =>
        AllResources(options, sink, faults).Where(resource => resource is NodeResource || !options.FollowsOnlyNode);

    private IEnumerable<Resource> AllResources(KubernetesOptions options, IClusterSink sink, IObjectFaults faults) =>
    [
        new ServiceResource(sink, new ServiceReader(faults) { ReadsExternalIPs = options.ReadsExternalIPs })
        {
            Kind = "Service",
            Path = "/api/v1/services",
            // Servers before 1.31 do not know the field; headless Services are then left out here.
            Selector = "&labelSelector=%21service.kubernetes.io%2Fservice-proxy-name&fieldSelector=spec.clusterIP%21%3DNone",
            PlainSelector = "&labelSelector=%21service.kubernetes.io%2Fservice-proxy-name",
        },
        new SliceResource(sink, new EndpointSliceReader(faults, options.NodeName), _servers)
        {
            Kind = "EndpointSlice",
            Path = "/apis/discovery.k8s.io/v1/endpointslices",
            Selector = "&labelSelector=%21service.kubernetes.io%2Fheadless",
        },
        new NodeResource(sink, new NodeReader(faults))
        {
            Kind = "Node",
            Path = "/api/v1/nodes",
            Selector = $"&fieldSelector=metadata.name%3D{Uri.EscapeDataString(options.NodeName)}",
        },
        new ServiceCidrResource(sink, new ServiceCidrReader(faults))
        {
            Kind = "ServiceCIDR",
            Path = "/apis/networking.k8s.io/v1/servicecidrs",
            IsOptional = true,
        },
    ];
}
