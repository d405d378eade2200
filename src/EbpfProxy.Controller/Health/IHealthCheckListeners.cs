using System.Net;

namespace EbpfProxy.Controller.Health;

/// <summary>Listens for load balancers that ask for the health of a Service.</summary>
public interface IHealthCheckListeners
{
    /// <summary>Answers at an address until the result is disposed of.</summary>
    /// <param name="address">The address; the unspecified one for all of its own family.</param>
    /// <param name="ask">Gives the answer to each request; null when there is none any more.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The address cannot be had.</exception>
    IDisposable Listen(IPEndPoint address, Func<ServiceHealthReport?> ask);
}
