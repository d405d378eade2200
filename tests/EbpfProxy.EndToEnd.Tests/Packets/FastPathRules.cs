using System.Globalization;
using System.Text.RegularExpressions;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Rules that somebody brings to a node and takes away again; one table at a time, named "theirs".</summary>
internal sealed partial class FastPathRules(TestNode node)
{
    private const string Pods4 = "10.244.0.0/16";
    private const string Pods6 = "fd00:10:244::/48";

    /// <summary>Counts what of a service's packets is forwarded.</summary>
    public const string Count =
        """
        chain forward {
          type filter hook forward priority filter;
          meta l4proto { tcp, udp } counter
        }
        """;

    /// <summary>What comes from pods and goes to others is masked by the node.</summary>
    public const string Masquerade =
        $$"""
        chain postrouting {
          type nat hook postrouting priority srcnat;
          ip saddr {{Pods4}} ip daddr != {{Pods4}} masquerade fully-random
          ip6 saddr {{Pods6}} ip6 daddr != {{Pods6}} masquerade fully-random
        }
        """;

    public const string DropInvalid =
        """
        chain forward {
          type filter hook forward priority filter;
          ct state invalid drop
        }
        """;

    public const string PolicyDrop =
        $$"""
        chain forward {
          type filter hook forward priority filter; policy drop;
          ct state established,related accept
          ip daddr {{Pods4}} accept
          ip6 daddr {{Pods6}} accept
          meta l4proto ipv6-icmp accept
        }
        """;

    /// <summary>A table and a chain that decide on nothing.</summary>
    public const string Empty = "chain forward { type filter hook forward priority filter; }";

    public static string Drop(Pod pod) =>
        $$"""
        chain forward {
          type filter hook forward priority filter;
          ip daddr {{pod.IPv4}} drop
          ip6 daddr {{pod.IPv6}} drop
        }
        """;

    public void Load(string chains) => Nft($"table inet theirs {{\n{chains}\n}}");

    public void Remove() => Nft("delete table inet theirs");

    /// <summary>Adds or deletes a rule in the kernel's tables of before nftables.</summary>
    public void ChangeOlderTables(string rule) => Shell.Require($"nsenter --net=\"$1\" xtables-legacy-multi iptables {rule}", node.Network.Path);

    /// <summary>How many packets the counting rule has seen.</summary>
    public long Counted() => long.Parse(
        CounterPattern().Match(Nft("list table inet theirs")).Groups[1].Value, CultureInfo.InvariantCulture);

    /// <summary>Puts a filter on the way out to a pod that drops what goes there, before or beside ours.</summary>
    public void DropAtDevice(string device) => Shell.Require(
        """
        nsenter --net="$1" bash -c '
          tc qdisc show dev "$1" | grep -q clsact || tc qdisc add dev "$1" clsact
          tc filter add dev "$1" egress pref 77 bpf da bytecode "1,6 0 0 2,"
        ' bash "$2"
        """,
        node.Network.Path,
        device);

    public void RemoveAtDevice(string device) => Shell.Require("nsenter --net=\"$1\" tc filter del dev \"$2\" egress pref 77", node.Network.Path, device);

    private string Nft(string commands) => Shell.Require("nsenter --net=\"$1\" nft -f - <<< \"$2\"", node.Network.Path, commands);

    [GeneratedRegex("counter packets ([0-9]+)")]
    private static partial Regex CounterPattern();
}
