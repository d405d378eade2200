using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>What decides on a packet without being a rule of netfilter or a program: it does so though packets may go around the stack.</summary>
public sealed class FastPathPolicyTests
{
    private const string Nowhere =
        """
        set -e
        ip link add nowhere type veth peer name beyond
        ip link set nowhere arp off up
        ip link set beyond up
        ip route add default dev nowhere table 99
        ip -6 route add default dev nowhere table 99

        """;

    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(5);

    private static readonly Dictionary<string, string> _policies = new()
    {
        ["rule for what comes in by the bridge"] = Nowhere + "for f in -4 -6; do ip $f rule add iif br0 lookup 99; done",
        ["rule for a type of service"] = Nowhere + "for f in -4 -6; do ip $f rule add tos 0x10 lookup 99; done",
        ["route for a type of service"] = Nowhere + "ip route add 10.244.2.0/24 tos 0x10 dev nowhere; ip -6 rule add tos 0x10 lookup 99",
        ["policies of IPsec"] =
            """
            ip xfrm policy add src 10.244.1.0/24 dst 10.244.2.0/24 dir fwd action block
            ip xfrm policy add src fd00:10:244:1::/64 dst fd00:10:244:2::/64 dir fwd action block
            """,
        ["IPsec that blocks what no policy is for"] = "ip xfrm policy setdefault fwd block",
        ["bridge that does not forward"] = "echo 0 > /proc/sys/net/ipv4/conf/br0/forwarding; ip -6 rule add iif br0 blackhole",
    };

    public static TheoryData<string> Rows { get; } = [.. _policies.Keys];

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Policy_acts(string policy)
    {
        using var stage = new PacketStage(new ClusterShape(), "--fast-path", "auto");
        Eventually.Holds(() => stage.Proxy.Metric("ebpf_proxy_fast_path") == 1, TimeSpan.FromSeconds(30));
        if (policy.EndsWith("type of service", StringComparison.Ordinal))
        {
            Shell.Require(
                "nsenter --net=\"$1\" nft 'table inet tos { chain output { type filter hook output priority 0; ip dscp set 4; ip6 dscp set 4; }; }'",
                stage.Client.Sandbox.NetworkNamespace);
        }

        stage.Answered(stage.Client.Sandbox, PacketStage.OverFar, Frontend.ClusterIP, "far/8080");
        Shell.Require("nsenter --net=\"$1\" bash -c \"$2\"", stage.Node.Network.Path, _policies[policy]);
        Assert.All([4, 6], family => Eventually.Holds(() => IsSilent(stage, family), _deadline));
    }

    private static bool IsSilent(PacketStage stage, int family)
    {
        var door = stage.Door(PacketStage.OverFar, Frontend.ClusterIP, family);
        return stage.Client.Sandbox.Probe("-w", "400", "ask", Expect.Row("tcp", family), door.Address, $"{door.Port}")
            is [var line] && line.Contains("EINPROGRESS", StringComparison.Ordinal);
    }
}
