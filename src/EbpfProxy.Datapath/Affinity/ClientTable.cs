using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Namespaces;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Affinity;

/// <summary>
/// Says whose a socket's packets would be, by its network namespace. A namespace that is not in the table, or has no
/// single address of a family, costs nothing but the way: its connections to services with affinity go by the packet
/// path. The node's own is never in it, because it has several addresses. Not thread-safe.
/// </summary>
/// <param name="table">The table of clients.</param>
/// <param name="namespaces">The network namespaces of the machine.</param>
internal sealed class ClientTable(IHashTable<ulong, ClientValue> table, NetworkNamespaces namespaces)
{
    /// <summary>Makes the rows those of the namespaces that there are.</summary>
    public void Update()
    {
        ulong own = NetworkNamespaces.ReadCookie();
        var wanted = new Dictionary<ulong, ClientValue>();

        // Before 5.14 none has a cookie.
        foreach (var place in namespaces.Find().Where(place => place.Cookie != 0 && place.Cookie != own))
        {
            if (Read(place) is { } client)
            {
                wanted.TryAdd(place.Cookie, client);
            }
        }

        Write(wanted);
    }

    private ClientValue? Read(NetworkNamespace place)
    {
        IReadOnlyList<DeviceAddress> addresses = [];
        try
        {
            namespaces.TryInvoke(place, () =>
            {
                using var netlink = new RouteNetlink();
                addresses = netlink.ReadAddresses();
            });
        }
        catch (IOException)
        {
            // Its kernel side refuses to tell: then its sockets go by the packet path.
            return null;
        }

        var ipv4 = OnlyAddress.Of(addresses, IpFamily.IPv4);
        var ipv6 = OnlyAddress.Of(addresses, IpFamily.IPv6);
        return ipv4 is null && ipv6 is null ? null : new ClientValue(KeyOf(ipv4), KeyOf(ipv6));
    }

    /// <summary>What is new first: it waits for nothing, whereas what follows a replacement waits for a grace period.</summary>
    private void Write(Dictionary<ulong, ClientValue> wanted)
    {
        var current = table.ReadAll().ToDictionary(row => row.Key, row => row.Value);
        var added = wanted.Where(row => !current.ContainsKey(row.Key)).ToArray();
        table.AddBatch(Array.ConvertAll(added, row => row.Key), Array.ConvertAll(added, row => row.Value));
        foreach (var (cookie, client) in current)
        {
            if (!wanted.TryGetValue(cookie, out var next))
            {
                table.Remove(cookie);
            }
            else if (next != client)
            {
                table.Put(cookie, next);
            }
        }
    }

    private static AddressKey KeyOf(Address? address) => address is { } known ? AddressKey.From(known) : default;
}
