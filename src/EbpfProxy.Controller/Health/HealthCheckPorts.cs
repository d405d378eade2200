using System.Runtime.InteropServices;
using EbpfProxy.Controller.Cache;
using EbpfProxy.Controller.Events;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Endpoints;
using EbpfProxy.Model.Network;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Controller.Health;

/// <summary>
/// Serves the healthCheckNodePort of each Service that has one, in each of its families, on the addresses that node ports
/// are served on, as these come and go. A change costs the Services that it is about. Thread-safe.
/// </summary>
/// <param name="nodeName">This node.</param>
/// <param name="listenOn">The addresses; the same set as before where nothing has changed.</param>
/// <param name="listeners">Listen.</param>
/// <param name="health">Of the proxy.</param>
/// <param name="events">Hears of ports that cannot be had.</param>
/// <param name="logger">Hears of them, too.</param>
public sealed class HealthCheckPorts(
    string nodeName,
    Func<IReadOnlySet<Address>> listenOn,
    IHealthCheckListeners listeners,
    ProxyHealth health,
    IEventSink events,
    ILogger<HealthCheckPorts> logger)
{
    private static readonly IpFamily[] _families = [IpFamily.IPv4, IpFamily.IPv6];

    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectName, List<HealthCheckServer>> _servers = [];
    private readonly HashSet<HealthCheckServer> _failing = [];
    private IReadOnlySet<Address> _addresses = new HashSet<Address>();

    /// <summary>Takes what a sync has applied. Ports that could not be had are tried again.</summary>
    public void Sync(ClusterChanges changes)
    {
        lock (_lock)
        {
            TakeAddresses();
            var checks = ChecksOf(changes);
            if (changes.IsComplete)
            {
                foreach (var gone in _servers.Keys.Where(name => !checks.ContainsKey(name)).ToList())
                {
                    Close(gone, keep: null);
                }
            }

            // A port may go from one Service to another: it is free before it is taken.
            foreach (var (service, check) in checks)
            {
                Close(service, check);
            }

            foreach (var (service, check) in checks.Where(c => c.Value is not null))
            {
                Serve(service, check!);
            }

            RetryFailing();
        }
    }

    /// <summary>Follows the node's addresses, and tries again what could not be had.</summary>
    public void LookAtAddresses()
    {
        lock (_lock)
        {
            TakeAddresses();
            RetryFailing();
        }
    }

    /// <summary>The Services among the changes that have a port, and those that had one.</summary>
    private Dictionary<ObjectName, ServiceHealthCheck?> ChecksOf(ClusterChanges changes)
    {
        var checks = new Dictionary<ObjectName, ServiceHealthCheck?>();
        foreach (var (name, service, slices) in changes.Services)
        {
            var check = service is null ? null : ServiceHealthCheck.Of(service, slices);
            if (check is not null || _servers.ContainsKey(name))
            {
                checks.Add(name, check);
            }
        }

        return checks;
    }

    private void TakeAddresses()
    {
        var addresses = listenOn();
        if (ReferenceEquals(addresses, _addresses))
        {
            return;
        }

        _addresses = addresses;
        foreach (var server in _servers.Values.SelectMany(servers => servers))
        {
            Listen(server);
        }
    }

    private void Close(ObjectName service, ServiceHealthCheck? keep)
    {
        if (!_servers.TryGetValue(service, out var servers))
        {
            return;
        }

        foreach (var server in servers.Where(server => server.Port != keep?.Port || keep[server.Family] is null).ToList())
        {
            server.Close();
            servers.Remove(server);
            _failing.Remove(server);
        }

        if (servers.Count == 0)
        {
            _servers.Remove(service);
        }
    }

    private void Serve(ObjectName service, ServiceHealthCheck check)
    {
        ref var servers = ref CollectionsMarshal.GetValueRefOrAddDefault(_servers, service, out _);
        servers ??= [];
        foreach (var family in _families)
        {
            if (check[family] is not { } endpoints)
            {
                continue;
            }

            var server = servers.Find(server => server.Family == family);
            if (server is not null)
            {
                server.Endpoints = endpoints;
                continue;
            }

            server = new HealthCheckServer(service, check.Port, family, health, listeners) { Endpoints = endpoints };
            servers.Add(server);
            Listen(server);
        }
    }

    private void RetryFailing()
    {
        foreach (var server in _failing.ToList())
        {
            Listen(server);
        }
    }

    /// <summary>A port that cannot be had is told once, until it could.</summary>
    private void Listen(HealthCheckServer server)
    {
        if (server.Listen(_addresses) is not { } error)
        {
            _failing.Remove(server);
        }
        else if (_failing.Add(server))
        {
            Log.CannotListen(logger, server.Service, server.Port, error);
            events.Publish(ClusterEvent.ServiceHealthFailed(nodeName, server.Service, server.Port, error));
        }
    }
}
