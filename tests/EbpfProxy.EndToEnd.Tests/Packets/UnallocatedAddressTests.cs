using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.EndToEnd.Tests.Packets;

/// <summary>Addresses inside a ServiceCIDR that no service has, as the mode nftables of kube-proxy drops them.</summary>
public sealed class UnallocatedAddressTests : IDisposable
{
    private const string Prefixes = "\"10.96.0.0/16\", \"fd00:96::/112\"";
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);
    private static readonly Service _nobody = new("nobody", 200);

    private readonly PacketStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [KernelFact]
    public void Packet_to_one_is_dropped_and_counted_from_the_moment_that_the_prefix_is_known()
    {
        Place[] askers = [_stage.Cluster.Outside, _stage.Client.Sandbox, _stage.Client.Place, _stage.Node.Host, _stage.Node.HiddenHost];
        Assert.Equal(0, AskAll(askers));

        Write("first", Prefixes);
        Write("second", Prefixes);
        Eventually.Holds(() => AskAll(askers[..1]) > 0, _deadline);
        Assert.All(askers, asker => Assert.True(AskAll(asker) > 0, $"not counted for {asker}"));

        // Of two that say the same, one goes.
        _stage.Node.Manifests.Delete("first");
        Write("third", "\"10.97.0.0/16\"");
        Eventually.Holds(() => Ask(_stage.Cluster.Outside, "10.97.0.1") > 0 || Ask(_stage.Client.Sandbox, "10.97.0.1") > 0, _deadline);
        Assert.True(AskAll(askers[0]) > 0);

        _stage.Answered(_stage.Cluster.Outside, PacketStage.OverNear, Frontend.ClusterIP, "near/8080");
        _stage.Answered(_stage.Client.Sandbox, PacketStage.OverFar, Frontend.ClusterIP, "far/8080");
    }

    [KernelFact]
    public void Address_that_a_device_of_the_node_holds_is_left_alone()
    {
        Write("all", Prefixes);
        Eventually.Holds(() => AskAll(_stage.Client.Sandbox) > 0, _deadline);

        Shell.Require("ip -n \"$1\" address add 10.96.0.200/32 dev lo", _stage.Node.Network.Name);

        Eventually.Holds(
            () => _stage.Client.Sandbox.Probe("-w", "400", "ask", "udp4-connect", "10.96.0.200", "8080").All(line => line.Contains("name=near-host/8080", StringComparison.Ordinal)),
            _deadline);
    }

    /// <summary>A Service with the label service-proxy-name is another proxy's, whose rules have its address.</summary>
    [KernelFact]
    public void Address_that_rules_of_others_send_elsewhere_is_left_to_them()
    {
        Write("all", Prefixes);
        Eventually.Holds(() => AskAll(_stage.Client.Sandbox) > 0, _deadline);

        Shell.Require(
            "nsenter --net=\"$1\" nft -f - <<< \"$2\"",
            _stage.Node.Network.Path,
            $$"""
            table ip others {
              chain prerouting {
                type nat hook prerouting priority dstnat;
                ip daddr 10.96.0.201 dnat to {{_stage.AddressOf(Backend.Near, 4)}}
              }
              chain postrouting {
                type nat hook postrouting priority srcnat;
                ct status dnat masquerade
              }
            }
            """);

        double before = _stage.Proxy.Events("unallocated");
        foreach (var asker in new[] { _stage.Client.Sandbox, _stage.Cluster.Outside })
        {
            foreach (string how in new[] { "tcp4", "udp4-connect" })
            {
                IReadOnlyList<string> answers = asker.Probe("ask", how, "10.96.0.201", "8080");
                Assert.All(answers, line => Assert.Contains("name=near/8080", line, StringComparison.Ordinal));
            }
        }

        Assert.Equal(before, _stage.Proxy.Events("unallocated"));
        Assert.True(AskAll(_stage.Client.Sandbox) > 0);
    }

    [KernelFact]
    public void Packet_to_one_is_dropped_though_a_filter_of_others_accepts_it_first()
    {
        Write("all", Prefixes);
        using var other = Witness.ThatAcceptsAll(_stage.Node, "uplink", TrafficDirection.Ingress);

        Eventually.Holds(() => AskAll(_stage.Cluster.Outside) > 0, _deadline);
    }

    /// <summary>How many packets were counted while these asked in both families.</summary>
    private double AskAll(params IEnumerable<Place> askers) => askers.Sum(
        asker => Ask(asker, _nobody.Address(Frontend.ClusterIP, 4)) + Ask(asker, _nobody.Address(Frontend.ClusterIP, 6)));

    private double Ask(Place asker, string address)
    {
        double before = _stage.Proxy.Events("unallocated");
        string row = Expect.Row("udp", address.Contains(':', StringComparison.Ordinal) ? 6 : 4);
        Assert.StartsWith("error ", Assert.Single(asker.Probe("-w", "200", "ask", row, address, "80")), StringComparison.Ordinal);
        return _stage.Proxy.Events("unallocated") - before;
    }

    private void Write(string name, string prefixes) => _stage.Node.Manifests.WriteText(
        name,
        $$"""
        apiVersion: networking.k8s.io/v1
        kind: ServiceCIDR
        metadata: { name: {{name}} }
        spec: { cidrs: [{{prefixes}}] }
        """);
}
