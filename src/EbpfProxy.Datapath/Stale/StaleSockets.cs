using EbpfProxy.Datapath.Namespaces;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Stale;

/// <summary>A connected UDP socket whose backend serves no more, and the cookie of its network namespace.</summary>
internal readonly record struct StaleSocket(UdpSocket Socket, ulong NetworkNamespace);

/// <summary>Closes sockets where they are: a socket is known in its own network namespace only.</summary>
internal sealed class StaleSockets(NetworkNamespaces namespaces, ILogger logger)
{
    /// <summary>Returns those that were closed.</summary>
    public HashSet<StaleSocket> Close(IReadOnlyCollection<StaleSocket> sockets)
    {
        var closed = new HashSet<StaleSocket>();
        if (sockets.Count == 0)
        {
            return closed;
        }

        var byNamespace = sockets.GroupBy(socket => socket.NetworkNamespace).ToDictionary(group => group.Key, group => group.ToHashSet());
        foreach (var place in namespaces.Find())
        {
            // Before 5.14 nobody knows the cookies of namespaces; those of sockets are good everywhere.
            var wanted = place.Cookie == 0 ? [.. sockets] : byNamespace.GetValueOrDefault(place.Cookie);
            if (wanted is not null)
            {
                CloseIn(place, wanted, closed);
            }
        }

        return closed;
    }

    private void CloseIn(NetworkNamespace place, HashSet<StaleSocket> sockets, HashSet<StaleSocket> closed)
    {
        try
        {
            namespaces.TryInvoke(place, () =>
            {
                using var netlink = new SocketNetlink();
                var done = netlink.Close(sockets.Select(socket => socket.Socket).ToHashSet());
                closed.UnionWith(sockets.Where(socket => done.Contains(socket.Socket)));
            });
        }
        catch (IOException e)
        {
            Log.SocketsNotClosed(logger, place.Path, e.Message);
        }
    }
}
