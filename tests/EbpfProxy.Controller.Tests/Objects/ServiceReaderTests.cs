using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using static EbpfProxy.Controller.Tests.Objects.Reading;

namespace EbpfProxy.Controller.Tests.Objects;

public sealed class ServiceReaderTests
{
    private readonly RecordedFaults _faults = new();

    [Fact]
    public void A_service_is_read_with_everything_that_the_proxy_uses()
    {
        var service = Read(new ServiceReader(_faults), """
            {'kind':'Service','status':{'loadBalancer':{'ingress':[{'ip':'192.0.2.1'},{'hostname':'x'},{'ip':'192.0.2.2','ipMode':'Proxy'},
            {'ip':'192.0.2.3','ipMode':'VIP','ports':[{'port':1}]}]}},
            'spec':{'type':'LoadBalancer','clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1','fd00::1'],'ipFamilies':['IPv4','IPv6'],
            'ports':[{'name':'web','protocol':'TCP','port':80,'targetPort':8080,'nodePort':30080},{'name':'dns','protocol':'UDP','port':53}],
            'externalIPs':['198.51.100.7','2001:db8::7'],'loadBalancerSourceRanges':[' 203.0.113.0/24 ','2001:db8::/32'],
            'internalTrafficPolicy':'Local','externalTrafficPolicy':'Local','healthCheckNodePort':31000,
            'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':60}}},
            'metadata':{'labels':{'a':'b'},'managedFields':[{'f:x':{}}],'namespace':'shop','name':'web'}}
            """)!;

        Assert.Empty(_faults.Lines);
        Assert.Equal(new ObjectName("shop", "web"), service.Name);
        Assert.Equal(ServiceType.LoadBalancer, service.Type);
        Assert.Equal([Ip("10.0.0.1"), Ip("fd00::1")], service.ClusterIPs);
        Assert.Equal([new("web", Protocol.Tcp, 80, 30080), new("dns", Protocol.Udp, 53, 0)], service.Ports);
        Assert.Equal([Ip("198.51.100.7"), Ip("2001:db8::7")], service.ExternalIPs);
        Assert.Equal([Ip("192.0.2.1"), Ip("192.0.2.3")], service.LoadBalancerIPs);
        Assert.Equal([new Prefix(Ip("203.0.113.0"), 24), new Prefix(Ip("2001:db8::"), 32)], service.LoadBalancerSourceRanges);
        Assert.Equal(TrafficPolicy.Local, service.InternalTrafficPolicy);
        Assert.Equal(TrafficPolicy.Local, service.ExternalTrafficPolicy);
        Assert.Equal(60u, service.AffinitySeconds);
        Assert.Equal(31000, service.HealthCheckNodePort);
        Assert.False(service.HasOtherProxy);
    }

    [Theory]
    [InlineData("'clusterIP':'10.0.0.1'", "10.0.0.1")]
    [InlineData("'clusterIP':'fd00::1'", "fd00::1")]
    [InlineData("'clusterIP':'None'", "")]
    [InlineData("'clusterIP':'None','clusterIPs':['10.0.0.1'],'ipFamilies':['IPv4']", "")]
    [InlineData("'clusterIP':''", "")]
    [InlineData("'clusterIP':null", "")]
    [InlineData("'type':'ClusterIP'", "")]
    [InlineData("'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1','fd00::1']", "10.0.0.1")]
    [InlineData("'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1','fd00::1'],'ipFamilies':['IPv4']", "10.0.0.1")]
    [InlineData("'ipFamilies':['IPv6','IPv4'],'clusterIPs':['fd00::1','10.0.0.1'],'clusterIP':'fd00::1'", "fd00::1 10.0.0.1")]
    [InlineData("'clusterIP':'10.0.0.1','ipFamilies':['IPv4']", "10.0.0.1")]
    [InlineData("'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1'],'ipFamilies':['IPv4','IPv6']", "10.0.0.1")]
    public void The_cluster_IP_of_each_family_is_worked_out_as_kube_proxy_does(string spec, string expected)
    {
        var service = Read(new ServiceReader(_faults), Service(spec))!;

        Assert.Equal(expected, string.Join(' ', service.ClusterIPs));
        Assert.Empty(_faults.Lines);
    }

    [Theory]
    [InlineData("'clusterIP':'10.0.0.300'", "spec.clusterIP: \"10.0.0.300\" is not an IP address")]
    [InlineData("'clusterIP':'0.0.0.0'", "spec.clusterIP: \"0.0.0.0\" is not an IP address")]
    [InlineData("'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1'],'ipFamilies':['IPv6']",
        "spec.clusterIPs[0]: \"10.0.0.1\" is not of the family that spec.ipFamilies[0] says, \"IPv6\"")]
    [InlineData("'externalIPs':['192.0.2.1','bad']", "spec.externalIPs[1]: \"bad\" is not an IP address")]
    [InlineData("'externalIPs':['::']", "spec.externalIPs[0]: \"::\" is no one's address")]
    [InlineData("'externalIPs':[7]", "spec.externalIPs[0]: 7 is not a string")]
    [InlineData("'externalIPs':{'a':[1]}", "spec.externalIPs: an object is not a list")]
    [InlineData("'loadBalancerSourceRanges':['10.0.0.0/33']", "spec.loadBalancerSourceRanges[0]: \"10.0.0.0/33\" is not a CIDR prefix")]
    [InlineData("'ports':[{'port':65536}]", "spec.ports[0].port: 65536 is not between 1 and 65535")]
    [InlineData("'ports':[{'port':0}]", "spec.ports[0].port: 0 is not between 1 and 65535")]
    [InlineData("'ports':[{'port':-1}]", "spec.ports[0].port: -1 is not between 1 and 65535")]
    [InlineData("'ports':[{'port':'80'}]", "spec.ports[0].port: \"80\" is not a number")]
    [InlineData("'ports':[{'name':'a'}]", "spec.ports[0].port: is missing")]
    [InlineData("'ports':[7]", "spec.ports[0]: 7 is not an object")]
    [InlineData("'ports':[{'port':80,'nodePort':70000}]", "spec.ports[0].nodePort: 70000 is not between 0 and 65535")]
    [InlineData("'ports':[{'port':80,'protocol':'ICMP'}]", "spec.ports[0].protocol: \"ICMP\" is not TCP, UDP or SCTP")]
    [InlineData("'ports':[{'port':80},{'port':81}]", "spec.ports[1].name: \"\" is the name of an earlier Tcp port, too")]
    [InlineData("'type':'Cluster\\nIP'", "spec.type: \"Cluster?IP\" is not a known type; taken as ClusterIP")]
    [InlineData("'internalTrafficPolicy':'Near'", "spec.internalTrafficPolicy: \"Near\" is not Cluster or Local; taken as Cluster")]
    [InlineData("'sessionAffinity':'Cookie'", "spec.sessionAffinity: \"Cookie\" is not None or ClientIP; taken as None")]
    [InlineData("'type':'LoadBalancer','externalTrafficPolicy':'Local'",
        "spec.healthCheckNodePort: is missing, though externalTrafficPolicy is Local")]
    public void What_makes_no_sense_is_reported_with_field_and_value(string spec, string expected)
    {
        var service = Read(new ServiceReader(_faults), Service(spec));

        Assert.NotNull(service);
        Assert.Equal([$"Service shop/web {expected}"], _faults.Lines);
    }

    [Fact]
    public void External_IPs_are_nobodys_where_the_gate_takes_them_away()
    {
        var reader = new ServiceReader(_faults) { ReadsExternalIPs = false };

        var service = Read(reader, Service("'externalIPs':['192.0.2.1'],'externalTrafficPolicy':'Local'"))!;

        Assert.Empty(service.ExternalIPs);
        Assert.Equal(TrafficPolicy.Local, service.ExternalTrafficPolicy);
        Assert.Empty(_faults.Lines);
    }

    [Fact]
    public void What_is_right_beside_what_is_wrong_is_kept()
    {
        var service = Read(new ServiceReader(_faults), Service(
            "'ports':[{'port':80,'nodePort':70000},{'name':'b','port':0},{'name':'c','port':82}],'externalIPs':['x','192.0.2.1']"))!;

        Assert.Equal([new("", Protocol.Tcp, 80, 0), new("c", Protocol.Tcp, 82, 0)], service.Ports);
        Assert.Equal([Ip("192.0.2.1")], service.ExternalIPs);
    }

    [Theory]
    [InlineData("'type':'ClusterIP','externalTrafficPolicy':'Local'", TrafficPolicy.Cluster)]
    [InlineData("'type':'ClusterIP','externalTrafficPolicy':'Local','externalIPs':['192.0.2.1']", TrafficPolicy.Local)]
    [InlineData("'externalIPs':['unreadable'],'externalTrafficPolicy':'Local'", TrafficPolicy.Local)]
    [InlineData("'externalTrafficPolicy':'Local','type':'NodePort'", TrafficPolicy.Local)]
    [InlineData("'type':'NodePort','externalTrafficPolicy':'Cluster'", TrafficPolicy.Cluster)]
    [InlineData("'type':'NodePort'", TrafficPolicy.Cluster)]
    public void The_external_policy_counts_only_where_outside_traffic_can_come(string spec, TrafficPolicy expected)
    {
        var service = Read(new ServiceReader(_faults), Service(spec))!;

        Assert.Equal(expected, service.ExternalTrafficPolicy);
    }

    [Theory]
    [InlineData("'sessionAffinity':'None','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':5}}", 0)]
    [InlineData("'sessionAffinity':'ClientIP'", 10800)]
    [InlineData("'sessionAffinity':'ClientIP','sessionAffinityConfig':null", 10800)]
    [InlineData("'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':1}}", 1)]
    [InlineData("'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':86400}}", 86400)]
    [InlineData("'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':86401}}", 10800)]
    [InlineData("'sessionAffinity':'ClientIP','sessionAffinityConfig':{'clientIP':{'timeoutSeconds':0}}", 10800)]
    public void The_affinity_time_out_has_the_default_of_the_API(string spec, uint expected)
    {
        var service = Read(new ServiceReader(_faults), Service(spec))!;

        Assert.Equal(expected, service.AffinitySeconds);
    }

    [Theory]
    [InlineData("'type':'LoadBalancer','externalTrafficPolicy':'Local','healthCheckNodePort':31000", 31000)]
    [InlineData("'type':'LoadBalancer','externalTrafficPolicy':'Cluster','healthCheckNodePort':31000", 0)]
    [InlineData("'type':'NodePort','externalTrafficPolicy':'Local','healthCheckNodePort':31000", 0)]
    public void A_health_check_port_is_only_a_local_load_balancers(string spec, ushort expected)
    {
        var service = Read(new ServiceReader(_faults), Service(spec))!;

        Assert.Equal(expected, service.HealthCheckNodePort);
    }

    [Theory]
    [InlineData("'0.0.0.0/0','10.0.0.0/8','2001:db8::/32'", "2001:db8::/32")]
    [InlineData("'::/0','10.0.0.0/8'", "10.0.0.0/8")]
    [InlineData("'10.0.0.0/8',' 192.0.2.0/24'", "10.0.0.0/8 192.0.2.0/24")]
    public void A_source_range_of_everything_lifts_the_restriction_of_its_family(string ranges, string expected)
    {
        var service = Read(new ServiceReader(_faults), Service($"'loadBalancerSourceRanges':[{ranges}]"))!;

        Assert.Equal(expected, string.Join(' ', service.LoadBalancerSourceRanges));
    }

    [Fact]
    public void Addresses_with_leading_zeros_are_read_as_decimal()
    {
        var service = Read(new ServiceReader(_faults), Service(
            "'externalIPs':['192.168.099.022'],'loadBalancerSourceRanges':['203.0.113.000/025']"))!;

        Assert.Equal([Ip("192.168.99.22")], service.ExternalIPs);
        Assert.Equal([new Prefix(Ip("203.0.113.0"), 25)], service.LoadBalancerSourceRanges);
        Assert.Empty(_faults.Lines);
    }

    [Fact]
    public void The_label_of_another_proxy_counts_with_an_empty_value_too()
    {
        var service = Read(new ServiceReader(_faults),
            "{'metadata':{'name':'a','namespace':'b','labels':{'service.kubernetes.io/service-proxy-name':''}}}")!;

        Assert.True(service.HasOtherProxy);
    }

    [Theory]
    [InlineData("{}", "Service / metadata.name: is missing")]
    [InlineData("{'metadata':{'name':'a'}}", "Service /a metadata.namespace: is missing")]
    [InlineData("{'metadata':{'name':7,'namespace':'b'},'spec':{'ports':[]}}", "Service b/ metadata.name: is missing")]
    public void A_service_without_a_name_is_reported_and_skipped(string json, string expected)
    {
        var service = Read(new ServiceReader(_faults), json);

        Assert.Null(service);
        Assert.Equal([expected], _faults.Lines);
    }

    [Fact]
    public void Nothing_of_one_service_is_left_for_the_next()
    {
        var reader = new ServiceReader(_faults);
        Read(reader, Service(
            "'type':'LoadBalancer','clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1'],'ipFamilies':['IPv4'],'ports':[{'port':1}],"
            + "'externalIPs':['192.0.2.1'],'loadBalancerSourceRanges':['10.0.0.0/8'],'sessionAffinity':'ClientIP','healthCheckNodePort':1"));

        var service = Read(reader, Service("'clusterIP':'10.0.0.2'"))!;

        Assert.Equal([Ip("10.0.0.2")], service.ClusterIPs);
        Assert.Equal(ServiceType.ClusterIP, service.Type);
        Assert.Empty(service.Ports);
        Assert.Empty(service.ExternalIPs);
        Assert.Empty(service.LoadBalancerSourceRanges);
        Assert.Equal(0u, service.AffinitySeconds);
    }

    private static string Service(string spec) => "{'metadata':{'name':'web','namespace':'shop'},'spec':{" + spec + "}}";
}
