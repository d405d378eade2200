using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.Testing.Cluster;

/// <summary>The rules of a CNI, in the form that flannel, Calico and others give them.</summary>
internal static class NodeFirewall
{
    private const string Pods4 = "10.244.0.0/16";
    private const string Pods6 = "fd00:10:244::/48";

    private const string ForwardDrop =
        $$"""
        table inet cni-forward {
          chain forward {
            type filter hook forward priority filter; policy drop;
            ct state invalid drop
            ct state established,related accept
            ip saddr {{Pods4}} accept
            ip daddr {{Pods4}} accept
            ip6 saddr {{Pods6}} accept
            ip6 daddr {{Pods6}} accept
            meta l4proto ipv6-icmp accept
          }
        }
        """;

    public static void Load(string network, int number, ClusterShape shape)
    {
        if (shape.Masquerades)
        {
            Load(network, Masquerade(number));
        }

        if (shape.DropsForwarded)
        {
            Load(network, ForwardDrop);
        }
    }

    /// <summary>Adds rules to a network namespace.</summary>
    public static void Load(string network, string rules) =>
        Shell.Require("nsenter --net=\"/run/netns/$1\" nft -f - <<< \"$2\"", network, rules);

    // Pods to the world, and the world to pods of other nodes, as flannel has it.
    private static string Masquerade(int number) =>
        $$"""
        table inet cni-masquerade {
          chain postrouting {
            type nat hook postrouting priority srcnat;
            ip saddr {{Pods4}} ip daddr {{Pods4}} return
            ip6 saddr {{Pods6}} ip6 daddr {{Pods6}} return
            ip saddr {{Pods4}} ip daddr != 224.0.0.0/4 masquerade fully-random
            ip6 saddr {{Pods6}} ip6 daddr != ff00::/8 masquerade fully-random
            ip daddr 10.244.{{number}}.0/24 return
            ip6 daddr fd00:10:244:{{number:x}}::/64 return
            ip daddr {{Pods4}} masquerade fully-random
            ip6 daddr {{Pods6}} masquerade fully-random
          }
        }
        """;
}
