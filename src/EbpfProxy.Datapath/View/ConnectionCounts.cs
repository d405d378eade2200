using EbpfProxy.Datapath.Sockets;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.View;

/// <summary>How many connections somebody has: those that are open, and those that one side has begun to close.</summary>
public readonly record struct ConnectionCount(int Active, int Closing)
{
    public ConnectionCount With(ConnectionCount other) => new(Active + other.Active, Closing + other.Closing);
}

/// <summary>
/// The connections of services and their backends: of the sockets of this node, and of what is translated in tc. What is not
/// open yet is not counted.
/// </summary>
public sealed class ConnectionCounts
{
    private readonly Dictionary<ServiceKey, ConnectionCount> _services = [];
    private readonly Dictionary<(ServiceKey Service, AddressPort Backend), ConnectionCount> _backends = [];

    public ConnectionCounts(IEnumerable<ConnectionRow> connections, IEnumerable<SocketRow> sockets)
    {
        foreach (var row in connections)
        {
            Add(row.Service, row.Backend, CountOf(row.State));
        }

        foreach (var row in sockets)
        {
            Add(row.Service, row.Backend, CountOf(row));
        }
    }

    /// <exception cref="IOException">There are no tables below <paramref name="bpfFileSystem"/>.</exception>
    public static ConnectionCounts Read(string bpfFileSystem) => new(ConnectionView.Read(bpfFileSystem), SocketView.Read(bpfFileSystem));

    public ConnectionCount Of(ServiceKey service) => _services.GetValueOrDefault(service);

    public ConnectionCount Of(ServiceKey service, BackendRow backend) =>
        _backends.GetValueOrDefault((service, new AddressPort(backend.Address, backend.Port)));

    private static ConnectionCount CountOf(ConnectionState state) => state switch
    {
        ConnectionState.Opening => default,
        ConnectionState.Open => new ConnectionCount(1, 0),
        ConnectionState.HalfClosed or ConnectionState.Closed => new ConnectionCount(0, 1),
    };

    /// <summary>A socket of UDP has its backend for as long as it is there; one of TCP that nothing is known of may be anything.</summary>
    private static ConnectionCount CountOf(SocketRow row) => row.State switch
    {
        _ when row.Protocol != Model.Network.Protocol.Tcp => new ConnectionCount(1, 0),
        TcpState.Established or TcpState.Unknown => new ConnectionCount(1, 0),
        TcpState.FinWait1 or TcpState.FinWait2 or TcpState.CloseWait or TcpState.LastAck or TcpState.Closing => new ConnectionCount(0, 1),
        _ => default,
    };

    private void Add(ServiceKey? service, AddressPort backend, ConnectionCount count)
    {
        if (service is { } key)
        {
            _services[key] = _services.GetValueOrDefault(key).With(count);
            _backends[(key, backend)] = _backends.GetValueOrDefault((key, backend)).With(count);
        }
    }
}
