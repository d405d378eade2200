using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>
/// A node with a second uplink and `from` rules: what has that uplink's address leaves by it, to a router of its own. The
/// client is behind that router, and the node's default route leads elsewhere.
/// </summary>
public sealed class TwoUplinkTests : IDisposable
{
    private const string Client4 = "192.168.90.10";
    private const string Client6 = "fd00:90::a";
    private const string Node4 = "192.168.79.1";
    private const string Node6 = "fd00:79::1";

    private readonly Machine _router = new("second-router");

    public static MatrixTheoryData<string, Backend> Rows { get; } = new(
        ["auto", "off"], [Backend.Near, Backend.Far, Backend.NearHost, Backend.FarHost]);

    public void Dispose() => _router.Dispose();

    [KernelTheory]
    [MemberData(nameof(Rows))]
    public void Answer_leaves_by_the_device_and_next_hop_of_the_request(string fastPath, Backend backend)
    {
        using var stage = new PacketStage(new ClusterShape(), "--fast-path", fastPath);
        AddUplink(stage.Node);
        Eventually.Holds(() => stage.Node.AttachedPrograms().Contains("uplink2", StringComparison.Ordinal), TimeSpan.FromSeconds(10));

        foreach (int family in new[] { 4, 6 })
        {
            string address = family == 4 ? Node4 : Node6;
            int port = PacketStage.ServiceOver(backend).NodePort(family);
            foreach (string protocol in new[] { "tcp", "udp" })
            {
                string[] lines = _router.Place.Probe("-w", "3000", "ask", Expect.Row(protocol, family), address, $"{port}");

                Assert.True(lines.Length == 3, $"{protocol} to {Expect.Peer((address, port))}: {string.Join(", ", lines)}");
                Assert.All(lines, line => Assert.Equal(PacketStage.NameOf(backend), ProbeClient.ToAnswer(line).Name));
            }

            string local = Assert.Single(_router.Place.Probe("-w", "3000", "bulk", "tcp", address, $"{PacketStage.Local.NodePort(family)}", "300000"));
            var seen = ProbeClient.ToAnswer(local);
            Assert.Equal("near/8080", seen.Name);
            Assert.StartsWith(Expect.Seen(family == 4 ? Client4 : Client6), seen.Client, StringComparison.Ordinal);
        }
    }

    // The client's address is one of the router's own, and what it sends has that source.
    private void AddUplink(TestNode node) => Shell.Require(
        $"""
        set -e
        ip -n "$1" link add uplink2 type veth peer name eth0 netns "$2"
        ip -n "$1" -batch - <<END
        addr add {Node4}/24 dev uplink2
        addr add {Node6}/64 dev uplink2 nodad
        link set uplink2 up
        END
        ip -n "$2" -batch - <<END
        addr add 192.168.79.254/24 dev eth0
        addr add fd00:79::fe/64 dev eth0 nodad
        addr add {Client4}/32 dev lo
        addr add {Client6}/128 dev lo nodad
        link set eth0 up
        END
        ip -n "$2" route add {Node4}/32 dev eth0 src {Client4}
        ip -n "$2" route add {Node6}/128 dev eth0 src {Client6} metric 1
        ip -n "$1" rule add from {Node4} lookup 79
        ip -n "$1" -6 rule add from {Node6} lookup 79
        ip -n "$1" -batch - <<END
        route add default via 192.168.79.254 dev uplink2 table 79
        route add default via fd00:79::fe dev uplink2 table 79
        END
        """,
        node.Network.Name,
        _router.Network.Name);
}
