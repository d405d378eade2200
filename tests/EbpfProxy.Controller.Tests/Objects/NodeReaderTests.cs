using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Network;
using static EbpfProxy.Controller.Tests.Objects.Reading;

namespace EbpfProxy.Controller.Tests.Objects;

public sealed class NodeReaderTests
{
    private readonly RecordedFaults _faults = new();

    [Fact]
    public void A_node_is_read_with_its_internal_addresses_before_its_external_ones()
    {
        var node = Read(new NodeReader(_faults), """
            {'metadata':{'name':'a','labels':{'topology.kubernetes.io/zone':'z1'}},'spec':{'podCIDRs':[],'taints':[{'key':'other','effect':'NoSchedule'}]},
            'status':{'addresses':[{'type':'ExternalIP','address':'192.0.2.1'},{'address':'10.0.0.1','type':'InternalIP'},
            {'type':'Hostname','address':'a'},{'type':'InternalIP','address':'fd00::1'}]}}
            """)!;

        Assert.Equal("a", node.Name);
        Assert.Equal("z1", node.Zone);
        Assert.Equal([Ip("10.0.0.1"), Ip("fd00::1"), Ip("192.0.2.1")], node.Addresses);
        Assert.False(node.IsDeleted);
        Assert.False(node.IsLeaving);
        Assert.Empty(_faults.Lines);
    }

    [Fact]
    public void The_prefixes_of_a_nodes_pods_are_read_in_order_and_bad_ones_reported()
    {
        var node = Read(new NodeReader(_faults), "{'metadata':{'name':'a'},'spec':{'podCIDRs':['10.244.1.0/24','x','fd00::/64'],'podCIDR':'10.244.1.0/24'}}")!;

        Assert.Equal([new Prefix(Ip("10.244.1.0"), 24), new Prefix(Ip("fd00::"), 64)], node.PodPrefixes);
        Assert.Equal(["Node /a spec.podCIDRs[1]: \"x\" is not a CIDR prefix"], _faults.Lines);
    }

    [Theory]
    [InlineData("{'metadata':{'name':'a','deletionTimestamp':'2026-01-01T00:00:00Z'}}", true, false)]
    [InlineData("{'metadata':{'name':'a','deletionTimestamp':null}}", false, false)]
    [InlineData("{'metadata':{'name':'a'},'spec':{'taints':[{'effect':'NoSchedule','key':'ToBeDeletedByClusterAutoscaler','value':'1'}]}}", false, true)]
    [InlineData("{'metadata':{'name':'a'},'spec':{'taints':[{'key':'x','value':'ToBeDeletedByClusterAutoscaler'}]}}", false, false)]
    public void A_node_that_goes_away_says_so(string json, bool isDeleted, bool isLeaving)
    {
        var node = Read(new NodeReader(_faults), json)!;

        Assert.Equal((isDeleted, isLeaving), (node.IsDeleted, node.IsLeaving));
    }

    [Fact]
    public void An_address_that_does_not_parse_is_reported_and_the_others_are_kept()
    {
        var node = Read(new NodeReader(_faults),
            "{'metadata':{'name':'a'},'status':{'addresses':[{'type':'InternalIP','address':'x'},{'type':'InternalIP','address':'10.0.0.1'}]}}")!;

        Assert.Equal([Ip("10.0.0.1")], node.Addresses);
        Assert.Equal(["Node /a status.addresses[0].address: \"x\" is not an IP address"], _faults.Lines);
    }

    [Fact]
    public void The_prefixes_of_a_ServiceCIDR_are_read_and_bad_ones_reported()
    {
        var cidr = Read(new ServiceCidrReader(_faults),
            "{'metadata':{'name':'kubernetes'},'spec':{'cidrs':['10.96.0.0/16','x','fd00::/112']},'status':{}}")!;

        Assert.Equal([new Prefix(Ip("10.96.0.0"), 16), new Prefix(Ip("fd00::"), 112)], cidr.Prefixes);
        Assert.Equal(["ServiceCIDR /kubernetes spec.cidrs[1]: \"x\" is not a CIDR prefix"], _faults.Lines);
    }
}
