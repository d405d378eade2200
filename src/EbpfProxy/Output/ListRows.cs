using EbpfProxy.Datapath.Sockets;
using EbpfProxy.Datapath.View;

namespace EbpfProxy.Output;

/// <summary>A service with what is not in its own tables.</summary>
/// <param name="Row">The service.</param>
/// <param name="Connections">Its connections; null where nobody asked for them.</param>
internal sealed record CountedService(ServiceRow Row, ConnectionCount? Connections = null);

/// <summary>A backend with whose it is.</summary>
/// <param name="Service">The service.</param>
/// <param name="Row">The backend.</param>
/// <param name="Connections">Its connections by that service; null where nobody asked for them.</param>
internal sealed record CountedBackend(ServiceRow Service, BackendRow Row, ConnectionCount? Connections = null);

/// <summary>A socket with the process that has it; null where none has, or a hidden one.</summary>
internal sealed record OwnedSocket(SocketRow Row, SocketOwner? Owner);
