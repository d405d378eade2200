using EbpfProxy.EndToEnd.Tests.Packets;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.KubeProxy;

/// <summary>`takeover`: from rules of kube-proxy to our programs, with connections running through.</summary>
public sealed class TakeoverTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);
    private static readonly Service _moved = new("moved", 70);

    private static readonly string[] _protocols = ["tcp", "udp"];
    private static readonly int[] _families = [4, 6];

    // kube-proxy sees packets between pods of one bridge only where bridges call netfilter.
    private readonly PacketStage _stage = new(new ClusterShape { PodLinks = PodLinks.Routed });

    public void Dispose() => _stage.Dispose();

    [KernelTheory]
    [InlineData(KubeProxyMode.Nftables, 4)]
    [InlineData(KubeProxyMode.Nftables, 6)]
    [InlineData(KubeProxyMode.Iptables, 4)]
    [InlineData(KubeProxyMode.Iptables, 6)]
    [InlineData(KubeProxyMode.IptablesLegacy, 4)]
    [InlineData(KubeProxyMode.IptablesLegacy, 6)]
    public void Flows_through_its_rules_go_on_until_they_end_then_only_its_rules_go(KubeProxyMode mode, int family)
    {
        var rules = new KubeProxyRules(_stage.Node.Network.Name, mode, family);
        var (address, port) = _stage.Door(_moved, Frontend.ClusterIP, family);
        rules.LoadForeign();
        string foreign = rules.Save();
        rules.Load(address, port, _stage.AddressOf(Backend.Near, family), PacketStage.BackendPort);
        HeldConnection[] held =
        [
            .. _protocols.SelectMany(protocol => new[] { _stage.Cluster.Outside, _stage.Client.Sandbox }.Select(
                place => place.Hold(protocol, address, port))),
        ];
        AssertAnswered(held);
        string all = rules.Save();

        _stage.Move(_moved, family, Backend.Near);
        double opened = _stage.Proxy.Events("connection_opened");
        var plan = _stage.Node.Command("takeover", "--dry-run");
        var first = _stage.Node.Command("takeover");

        AssertAnswered(held);
        Assert.Equal(all, rules.Save());
        Assert.Equal((1, 1), (plan.ExitCode, first.ExitCode));
        Assert.Contains("It stays: 4 flows go by it until they end", first.Output, StringComparison.Ordinal);
        Assert.Contains($"to {(family == 4 ? address : $"[{address}]")}:{port}, answered by", first.Output, StringComparison.Ordinal);
        Assert.Equal(opened, _stage.Proxy.Events("connection_opened"));
        AssertReached(_stage.Cluster.Outside, $"tcp{family}", address, port);
        Assert.True(_stage.Proxy.Events("connection_opened") > opened);

        End(held);
        Eventually.Holds(() => _stage.Node.Command("takeover", "--dry-run") is { ExitCode: 0 } run && run.Output.Contains("Would remove ", StringComparison.Ordinal), _deadline);
        Assert.Equal(all, rules.Save());
        var last = _stage.Node.Command("takeover");
        Assert.True(last.ExitCode == 0, last.Output + last.Error);
        Assert.Equal(foreign, rules.Save());
        AssertReached(_stage.Cluster.Outside, $"tcp{family}", address, port);
        var again = _stage.Node.Command("takeover");
        Assert.Equal((0, "Nothing of kube-proxy's is on this node\n"), (again.ExitCode, again.Output));
    }

    [KernelTheory]
    [InlineData(KubeProxyMode.Nftables)]
    [InlineData(KubeProxyMode.Iptables)]
    [InlineData(KubeProxyMode.IptablesLegacy)]
    public void Killed_between_any_two_steps_it_is_finished_by_the_next_one(KubeProxyMode mode)
    {
        KubeProxyRules[] families = [.. _families.Select(family => new KubeProxyRules(_stage.Node.Network.Name, mode, family))];
        foreach (var rules in families)
        {
            rules.LoadForeign();
        }

        string[] foreign = [.. families.Select(rules => rules.Save())];
        foreach (int family in _families)
        {
            var (address, port) = _stage.Door(_moved, Frontend.ClusterIP, family);
            families[family == 4 ? 0 : 1].Load(address, port, _stage.AddressOf(Backend.Near, family), PacketStage.BackendPort);
            _stage.Move(_moved, family, Backend.Near);
        }

        int states = 0;
        string before = string.Concat(families.Select(rules => rules.Save()));
        for (int calls = 1; ; calls++)
        {
            var run = _stage.Node.Host.Run([.. CutShort.After(calls), ProxyBinary.Path, "takeover", "--bpffs", _stage.Node.BpfFileSystem]);
            string after = string.Concat(families.Select(rules => rules.Save()));
            states += after == before ? 0 : 1;
            before = after;
            if (run.ExitCode == 0)
            {
                break;
            }

            Assert.Equal(CutShort.ExitCode, run.ExitCode);
        }

        Assert.True(states > 1, $"it was cut in the middle: {states} states were seen");
        Assert.Equal(foreign, families.Select(rules => rules.Save()));
        Assert.Equal("Nothing of kube-proxy's is on this node\n", _stage.Node.Command("takeover").Output);
    }

    [KernelFact]
    public void Chain_that_rules_of_others_lead_to_stays_with_what_it_needs()
    {
        var rules = new KubeProxyRules(_stage.Node.Network.Name, KubeProxyMode.Iptables, 4);
        rules.LoadForeign();
        rules.Load("10.96.0.70", 80, _stage.Near.IPv4, PacketStage.BackendPort);
        Shell.Require("nsenter --net=\"/run/netns/$1\" xtables-nft-multi iptables -t nat -A CNI-HOSTPORT -p tcp --dport 8444 -j KUBE-MARK-MASQ", _stage.Node.Network.Name);

        var run = _stage.Node.Command("takeover");

        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.Contains("rules of others lead to KUBE-MARK-MASQ, KUBE-POSTROUTING, which stay", run.Output, StringComparison.Ordinal);
        string left = rules.Save();
        Assert.Contains("-j KUBE-POSTROUTING", left, StringComparison.Ordinal);
        Assert.Contains("-A KUBE-MARK-MASQ", left, StringComparison.Ordinal);
        Assert.DoesNotContain("KUBE-S", left, StringComparison.Ordinal);
        Assert.Equal("Nothing of kube-proxy's is on this node\n", _stage.Node.Command("takeover").Output);
    }

    [KernelFact]
    public void Rules_stay_while_a_kube_proxy_runs_or_no_daemon_does()
    {
        var rules = new KubeProxyRules(_stage.Node.Network.Name, KubeProxyMode.Nftables, 4);
        rules.Load("10.96.0.70", 80, _stage.Near.IPv4, PacketStage.BackendPort);
        using (var other = new RunningKubeProxy(_stage.Node))
        {
            var run = _stage.Node.Command("takeover");
            Assert.Equal(1, run.ExitCode);
            Assert.Contains($"It stays: a kube-proxy runs on this node (process {other.Pid} is kube-proxy)", run.Output, StringComparison.Ordinal);
        }

        _stage.Proxy.Kill();
        var without = _stage.Node.Command("takeover");

        Assert.Equal(1, without.ExitCode);
        Assert.Contains("It stays: no daemon of ebpf-proxy keeps the services of this node", without.Output, StringComparison.Ordinal);
        Assert.True(rules.AreThere);
    }

    [KernelFact]
    public void Rules_stay_where_only_the_processes_of_a_container_are_seen()
    {
        var rules = new KubeProxyRules(_stage.Node.Network.Name, KubeProxyMode.Nftables, 4);
        rules.Load("10.96.0.70", 80, _stage.Near.IPv4, PacketStage.BackendPort);
        var node = _stage.Node;

        var run = node.Host.Run("unshare", "--pid", "--fork", "--mount-proc", node.Binary, "takeover", "--bpffs", node.BpfFileSystem);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("It stays: a kube-proxy may run on this node: its processes are not seen from here", run.Output, StringComparison.Ordinal);
        Assert.True(rules.AreThere);
    }

    [KernelTheory]
    [InlineData(4)]
    [InlineData(6)]
    public void Unconnected_sockets_keep_the_backends_that_rules_gave_them(int family)
    {
        _stage.Proxy.Kill();
        Assert.Equal(0, _stage.Node.Command("cleanup").ExitCode);
        var rules = new KubeProxyRules(_stage.Node.Network.Name, KubeProxyMode.Nftables, family);
        var (address, port) = _stage.Door(_moved, Frontend.ClusterIP, family);
        rules.Load(address, port, _stage.AddressOf(Backend.Near, family), PacketStage.BackendPort);
        HeldConnection[] held =
        [
            .. Enumerable.Repeat(_stage.Client.Place, 10).Append(_stage.Node.Host).Select(place => place.Hold("datagrams", address, port)),
        ];
        AssertAnswered(held);

        _stage.Node.Manifests.Write(_stage.Manifest(_moved, family, Backend.Near, Backend.Far));
        _stage.Restart();

        AssertAnswered(held);
        AssertAnswered(held);
        Assert.All(held, one => Assert.Equal($"{(family == 4 ? address : $"[{address}]")}:{port}", one.Ask().Peer));
        Assert.Equal(2, _stage.Client.Place.Spread("udp", address, port, 40).Count);
        Assert.Equal(held.Length + 40, _stage.Proxy.Events("peer_added"));
        Array.ForEach(held, one => one.Dispose());
        Eventually.Holds(() => _stage.Proxy.Events("peer_removed") == held.Length + 40, _deadline);
    }

    private static void AssertReached(Place place, string row, string address, int port) =>
        Assert.All(place.Ask(row, address, port), answer => Assert.Equal("near/8080", answer.Name));

    private static void AssertAnswered(HeldConnection[] held) => Assert.All(held, one => Assert.Equal("near/8080", one.Ask().Name));

    /// <summary>Ends connections, and lets connection tracking forget those of UDP.</summary>
    private void End(HeldConnection[] held)
    {
        Shell.Require(
            "nsenter --net=\"/run/netns/$1\" bash -c 'cd /proc/sys/net/netfilter; echo 1 | tee nf_conntrack_udp_timeout > nf_conntrack_udp_timeout_stream'",
            _stage.Node.Network.Name);
        AssertAnswered(held);
        foreach (var one in held)
        {
            one.Dispose();
        }
    }
}
