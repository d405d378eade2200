using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>
/// A client behind two routers, 192.168.88.10 and fd00:88::a: the first router is on the fabric and is the nodes' way to
/// the world, the link between the two is where the path can become narrow.
/// </summary>
public sealed class RoutedNetwork : IDisposable
{
    internal const int Number = 254;

    private readonly ScratchNetworkNamespace _near = new();
    private readonly ScratchNetworkNamespace _far = new();
    private readonly Machine _client = new("routed");

    internal RoutedNetwork(string fabric)
    {
        NetworkSetUp.Join(fabric, _near.Name, Number);
        Shell.Require(
            """
            set -e
            for router in "$1" "$2"; do
              nsenter --net="/run/netns/$router" bash -c 'echo 1 | tee /proc/sys/net/ipv4/ip_forward > /proc/sys/net/ipv6/conf/all/forwarding'
            done
            nsenter --net="/run/netns/$3" bash -c 'echo "20000 65000" > /proc/sys/net/ipv4/ip_local_port_range'
            ip -n "$1" link add middle type veth peer name middle netns "$2"
            ip -n "$2" link add leaf type veth peer name eth0 netns "$3"
            ip -n "$1" -batch - <<END
            addr add 192.168.87.1/24 dev middle
            addr add fd00:87::1/64 dev middle nodad
            link set middle up
            route add 192.168.88.0/24 via 192.168.87.2
            route add fd00:88::/64 via fd00:87::2
            END
            ip -n "$2" -batch - <<END
            addr add 192.168.87.2/24 dev middle
            addr add fd00:87::2/64 dev middle nodad
            addr add 192.168.88.1/24 dev leaf
            addr add fd00:88::1/64 dev leaf nodad
            link set middle up
            link set leaf up
            route add default via 192.168.87.1
            route add default via fd00:87::1
            END
            ip -n "$3" -batch - <<END
            addr add 192.168.88.10/24 dev eth0
            addr add fd00:88::a/64 dev eth0 nodad
            link set eth0 up
            route add default via 192.168.88.1
            route add default via fd00:88::1
            END
            """,
            _near.Name,
            _far.Name,
            _client.Network.Name);
    }

    public Place Client => _client.Place;

    internal string Router => _near.Name;

    /// <summary>The largest packet that goes between the two routers.</summary>
    public void SetMiddleMtu(int mtu) => Shell.Require(
        "ip -n \"$1\" link set middle mtu \"$3\" && ip -n \"$2\" link set middle mtu \"$3\"", _near.Name, _far.Name, $"{mtu}");

    public void Dispose()
    {
        _client.Dispose();
        _far.Dispose();
        _near.Dispose();
    }
}
