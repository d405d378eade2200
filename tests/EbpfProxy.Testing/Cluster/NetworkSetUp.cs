using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>Devices, addresses and routes of the simulated cluster, one shell each so that it is up in a moment.</summary>
internal static class NetworkSetUp
{
    // Forwarding for the pods; Fast Open for those that connect from here, without a cookie as nobody has one yet.
    private const string Settings =
        """
        nsenter --net="/run/netns/$1" bash -c '
          cd /proc/sys/net
          echo 1 > ipv4/ip_forward
          echo 1 > ipv6/conf/all/forwarding
          echo 0 > ipv6/conf/default/accept_dad
          echo 0 > ipv6/conf/default/dad_transmits
          echo 5 > ipv4/tcp_fastopen
          echo "20000 65000" > ipv4/ip_local_port_range
        '
        """;

    public static void MakeNode(string network, int number) => Shell.Require(
        $"""
        set -e
        {Settings}
        ip -n "$1" -batch - <<END
        link add br0 type bridge mcast_snooping 0
        addr add 10.244.{number}.1/24 dev br0
        addr add fd00:10:244:{number:x}::1/64 dev br0 nodad
        link set br0 up
        END
        """,
        network);

    public static void MakePod(string node, int number, Pod pod, int host) => Shell.Require(
        $"""
        set -e
        {Settings}
        ip -n "$2" link add pod{host} type veth peer name eth0 netns "$1"
        ip -n "$2" link set pod{host} master br0 up
        ip -n "$1" -batch - <<END
        addr add {pod.IPv4}/24 dev eth0
        addr add {pod.IPv6}/64 dev eth0 nodad
        link set eth0 up
        route add default via 10.244.{number}.1
        route add default via fd00:10:244:{number:x}::1
        END
        """,
        pod.NetworkName,
        node);

    /// <summary>Joins a namespace to the fabric: a bridge that stands for the network between the machines.</summary>
    public static void Join(string fabric, string network, int number) => Shell.Require(
        $"""
        set -e
        ip -n "$1" link show br0 >/dev/null 2>&1 || ip -n "$1" link add br0 up type bridge mcast_snooping 0
        ip -n "$1" link add to{number} type veth peer name uplink netns "$2"
        ip -n "$1" link set to{number} master br0 up
        ip -n "$2" -batch - <<END
        addr add 192.168.77.{number}/24 dev uplink
        addr add fd00:77::{number:x}/64 dev uplink nodad
        link set uplink up
        END
        """,
        fabric,
        network);

    public static void RouteToPods(string network, int node) => Shell.Require(
        $"""
        set -e
        ip -n "$1" route add 10.244.{node}.0/24 via 192.168.77.{node}
        ip -n "$1" route add fd00:10:244:{node:x}::/64 via fd00:77::{node:x}
        """,
        network);
}
