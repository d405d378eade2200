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

    public static void MakeNode(string network, int number, ClusterShape shape)
    {
        Shell.Require(
            $"""
            set -e
            {Settings}
            nsenter --net="/run/netns/$1" bash -c '
              cd /proc/sys/net
              echo {Flag(shape.FiltersReversePath)} | tee ipv4/conf/all/rp_filter > ipv4/conf/default/rp_filter
              ! [ -d bridge ] || echo {Flag(shape.BridgeCallsNetfilter)} | tee bridge/bridge-nf-call-iptables > bridge/bridge-nf-call-ip6tables
            '
            {(shape.PodLinks == PodLinks.Bridge ? BridgeOfPods(number) : "")}
            """,
            network);
        NodeFirewall.Load(network, number, shape);
    }

    public static void MakePod(string node, int number, Pod pod, int host, PodLinks links) => Shell.Require(
        $"""
        set -e
        {Settings}
        ip -n "$2" link add pod{host} type veth peer name eth0 netns "$1"
        {(links == PodLinks.Bridge ? PodOnBridge(number, pod, host) : PodOnRoute(pod, host))}
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

    /// <summary>Sends all else to the router on the fabric.</summary>
    public static void RouteToTheWorld(string network) => Shell.Require(
        $"""
        set -e
        ip -n "$1" route add default via 192.168.77.{RoutedNetwork.Number}
        ip -n "$1" route add default via fd00:77::{RoutedNetwork.Number:x}
        """,
        network);

    /// <summary>Sends what is for cluster IPs, external IPs and load balancers to a node.</summary>
    public static void RouteServices(string network, int node) => Shell.Require(
        $"""
        ip -n "$1" -batch - <<END
        route add 10.96.0.0/16 via 192.168.77.{node}
        route add 198.51.100.0/24 via 192.168.77.{node}
        route add 203.0.113.0/24 via 192.168.77.{node}
        route add fd00:96::/64 via fd00:77::{node:x}
        route add fd00:51::/64 via fd00:77::{node:x}
        route add fd00:1b::/64 via fd00:77::{node:x}
        END
        """,
        network);

    /// <summary>Sends what is for the pods of another node through a tunnel to it.</summary>
    public static void TunnelToPods(string network, int number, int node, PodNetwork kind) => Shell.Require(
        kind == PodNetwork.Vxlan
            ? $"""
               set -e
               ip -n "$1" -batch - <<END
               link add tunnel mtu 1450 address 02:00:00:00:00:{number:x2} type vxlan id 1 dstport 8472 local 192.168.77.{number} nolearning
               addr add 10.244.{number}.0/32 dev tunnel
               addr add fd00:10:244:{number:x}::/128 dev tunnel nodad
               link set tunnel up
               neigh add 10.244.{node}.0 lladdr 02:00:00:00:00:{node:x2} dev tunnel nud permanent
               neigh add fd00:10:244:{node:x}:: lladdr 02:00:00:00:00:{node:x2} dev tunnel nud permanent
               route add 10.244.{node}.0/24 via 10.244.{node}.0 dev tunnel onlink
               route add fd00:10:244:{node:x}::/64 via fd00:10:244:{node:x}:: dev tunnel onlink
               END
               bridge -n "$1" fdb append 02:00:00:00:00:{node:x2} dev tunnel dst 192.168.77.{node}
               """
            : $"""
               set -e
               ip -n "$1" -batch - <<END
               link add tunnel mtu 1450 type vxlan dstport 4790 gpe external local 192.168.77.{number}
               addr add 10.244.{number}.0/32 dev tunnel
               addr add fd00:10:244:{number:x}::/128 dev tunnel nodad
               link set tunnel up
               route add 10.244.{node}.0/24 encap ip id 7 dst 192.168.77.{node} dev tunnel
               route add fd00:10:244:{node:x}::/64 encap ip id 7 dst 192.168.77.{node} dev tunnel
               END
               """,
        network);

    private static string Flag(bool isOn) => isOn ? "1" : "0";

    private static string BridgeOfPods(int number) =>
        $"""
        ip -n "$1" -batch - <<END
        link add br0 type bridge mcast_snooping 0
        addr add 10.244.{number}.1/24 dev br0
        addr add fd00:10:244:{number:x}::1/64 dev br0 nodad
        link set br0 up
        END
        """;

    private static string PodOnBridge(int number, Pod pod, int host) =>
        $"""
        ip -n "$2" link set pod{host} master br0 up && ip -n "$2" link set pod{host} type bridge_slave hairpin on
        ip -n "$1" -batch - <<END
        addr add {pod.IPv4}/24 dev eth0
        addr add {pod.IPv6}/64 dev eth0 nodad
        link set eth0 up
        route add default via 10.244.{number}.1
        route add default via fd00:10:244:{number:x}::1
        END
        """;

    // The gateway is nowhere: the node's end of the veth answers for it.
    private static string PodOnRoute(Pod pod, int host) =>
        $"""
        ip -n "$2" -batch - <<END
        link set pod{host} address ee:ee:ee:ee:ee:ee up
        addr add fe80::1/64 dev pod{host} nodad
        route add {pod.IPv4}/32 dev pod{host} scope link
        route add {pod.IPv6}/128 dev pod{host}
        END
        nsenter --net="/run/netns/$2" bash -c 'echo 1 > /proc/sys/net/ipv4/conf/pod{host}/proxy_arp'
        ip -n "$1" -batch - <<END
        addr add {pod.IPv4}/32 dev eth0
        addr add {pod.IPv6}/128 dev eth0 nodad
        link set eth0 up
        route add 169.254.1.1 dev eth0 scope link
        route add default via 169.254.1.1 dev eth0
        route add default via fe80::1 dev eth0
        END
        """;
}
