using System.Net;
using System.Net.Sockets;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Health;

/// <summary>The listeners of one Service at its healthCheckNodePort in one family. Not thread-safe but for what they ask.</summary>
internal sealed class HealthCheckServer(ObjectName service, ushort port, IpFamily family, ProxyHealth health, IHealthCheckListeners listeners)
{
    private readonly Dictionary<Address, IDisposable> _open = [];
    private volatile int _endpoints;
    private volatile bool _isClosed;

    public ObjectName Service => service;

    public ushort Port => port;

    public IpFamily Family => family;

    /// <summary>How many ready endpoints the Service has on this node.</summary>
    public int Endpoints
    {
        set => _endpoints = value;
    }

    /// <summary>
    /// Listens where it is wanted and nowhere else. What cannot be had does not keep the rest from answering.
    /// </summary>
    /// <returns>Why an address cannot be had; null where all can.</returns>
    public string? Listen(IReadOnlySet<Address> addresses)
    {
        foreach (var gone in _open.Keys.Where(address => !addresses.Contains(address)).ToList())
        {
            _open.Remove(gone, out var listener);
            listener!.Dispose();
        }

        string? error = null;
        foreach (var address in addresses.Where(address => address.Family == family && !_open.ContainsKey(address)))
        {
            try
            {
                _open.Add(address, listeners.Listen(new IPEndPoint(address.ToIPAddress(), port), Ask));
            }
            catch (SocketException e)
            {
                error = $"listen on {address}: {e.Message}";
            }
        }

        return error;
    }

    public void Close()
    {
        _isClosed = true;
        foreach (var listener in _open.Values)
        {
            listener.Dispose();
        }

        _open.Clear();
    }

    private ServiceHealthReport? Ask() => _isClosed ? null : new ServiceHealthReport(service, _endpoints, health.Live().IsHealthy);
}
