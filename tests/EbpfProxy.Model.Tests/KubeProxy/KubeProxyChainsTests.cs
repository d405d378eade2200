using EbpfProxy.Model.KubeProxy;

namespace EbpfProxy.Model.Tests.KubeProxy;

public sealed class KubeProxyChainsTests
{
    [Fact]
    public void Its_chains_and_the_rules_that_lead_to_them_go()
    {
        var removal = KubeProxyChains.Find(
            ["PREROUTING", "KUBE-SERVICES", "KUBE-SVC-A", "KUBE-SEP-B", "KUBE-FIREWALL", "KUBE-KUBELET-CANARY", "KUBE-PROXY-CANARY", "CNI-A"],
            [new("PREROUTING", 1, "KUBE-SERVICES"), new("PREROUTING", 2, "CNI-A"), new("KUBE-SERVICES", 3, "KUBE-SVC-A"), new("KUBE-SVC-A", 4, "KUBE-SEP-B"), new("INPUT", 5, "KUBE-FIREWALL")]);

        Assert.Equal([new ChainRule("PREROUTING", 1, "KUBE-SERVICES")], removal.Entries);
        Assert.Equal(["KUBE-PROXY-CANARY", "KUBE-SEP-B", "KUBE-SERVICES", "KUBE-SVC-A"], removal.Chains);
        Assert.Empty(removal.Kept);
    }

    [Fact]
    public void What_a_chain_of_another_leads_to_stays_with_all_that_it_leads_to()
    {
        var removal = KubeProxyChains.Find(
            ["KUBE-SERVICES", "KUBE-SVC-A", "KUBE-SEP-A", "KUBE-SEP-B", "MINE"],
            [new("MINE", 1, "KUBE-SVC-A"), new("KUBE-SVC-A", 2, "KUBE-SEP-A"), new("KUBE-SERVICES", 3, "KUBE-SVC-A"), new("OUTPUT", 4, "KUBE-SERVICES")]);

        Assert.Equal(["KUBE-SEP-B", "KUBE-SERVICES"], removal.Chains);
        Assert.Equal(["KUBE-SEP-A", "KUBE-SVC-A"], removal.Kept);
        Assert.Equal([new ChainRule("OUTPUT", 4, "KUBE-SERVICES")], removal.Entries);
    }

    [Fact]
    public void Who_masquerades_by_a_mark_stays_while_others_set_it()
    {
        var removal = KubeProxyChains.Find(
            ["KUBE-MARK-MASQ", "KUBE-POSTROUTING", "CNI-HOSTPORT"],
            [new("CNI-HOSTPORT", 1, "KUBE-MARK-MASQ"), new("POSTROUTING", 2, "KUBE-POSTROUTING")]);

        Assert.True(removal.IsEmpty);
        Assert.Equal(["KUBE-MARK-MASQ", "KUBE-POSTROUTING"], removal.Kept);
    }

    [Fact]
    public void It_serves_once_packets_are_led_to_rules_for_services()
    {
        ChainRule led = new("PREROUTING", 1, "KUBE-SERVICES"), rule = new("KUBE-SERVICES", 2, "KUBE-SVC-A");
        bool Serves(params ChainRule[] rules) => KubeProxyChains.Find(["PREROUTING", "KUBE-SERVICES", "KUBE-SVC-A"], rules).Serves;

        Assert.Equal((false, false, false, true), (Serves(), Serves(led), Serves(rule), Serves(led, rule)));
    }

    /// <summary>A kubelet of before 1.28 makes them once a minute, whatever serves the services; its older hints are all there is then.</summary>
    [Fact]
    public void Chains_that_a_kubelet_makes_are_no_kube_proxy_s_where_nothing_else_is_its()
    {
        string[] chains = ["KUBE-MARK-DROP", "KUBE-MARK-MASQ", "KUBE-POSTROUTING", "KUBE-KUBELET-CANARY"];
        ChainRule entry = new("POSTROUTING", 1, "KUBE-POSTROUTING");

        var alone = KubeProxyChains.Find(chains, [entry]);
        var beside = KubeProxyChains.Find([.. chains, "KUBE-SERVICES"], [entry]);

        Assert.True(alone.IsEmpty);
        Assert.Empty(alone.Kept);
        Assert.Equal(["KUBE-MARK-MASQ", "KUBE-POSTROUTING", "KUBE-SERVICES"], beside.Chains);
        Assert.Equal([entry], beside.Entries);
    }

    [Fact]
    public void Nothing_of_the_kubelet_s_goes() => Assert.True(KubeProxyChains.Find(
        ["KUBE-FIREWALL", "KUBE-KUBELET-CANARY", "KUBE-IPTABLES-HINT", "KUBE-MARK-DROP", "KUBE-ROUTER-INPUT"],
        [new("INPUT", 1, "KUBE-FIREWALL"), new("INPUT", 2, "KUBE-ROUTER-INPUT")]).IsEmpty);
}
