using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Network;
using static EbpfProxy.Controller.Tests.Objects.Reading;

namespace EbpfProxy.Controller.Tests.Objects;

public sealed class EndpointSliceReaderTests
{
    private const EndpointConditions Usable = EndpointConditions.Ready | EndpointConditions.Serving;
    private const string Metadata = "'metadata':{'name':'web-1','namespace':'shop','labels':{'kubernetes.io/service-name':'web'}}";

    private readonly RecordedFaults _faults = new();

    [Fact]
    public void A_slice_is_read_with_everything_that_the_proxy_uses_in_any_order_of_fields()
    {
        var slice = Read(new EndpointSliceReader(_faults, "node-a"), $$$"""
            {'endpoints':[{'addresses':['10.1.0.1','10.1.0.9'],'conditions':{'ready':true},'nodeName':'node-a','zone':'z1','targetRef':{'kind':'Pod'}},
            {'hints':{'forZones':[{'name':'z1'},{'name':'z2'}],'forNodes':[{'name':'node-b'}]},'nodeName':'node-b','addresses':['10.180.00.001']}],
            'ports':[{'name':'web','port':8080,'protocol':'TCP','appProtocol':null},{'name':'','port':53,'protocol':'UDP'}],
            'addressType':'IPv4',{{{Metadata}}}}
            """)!;

        Assert.Empty(_faults.Lines);
        Assert.Equal(new ObjectName("shop", "web-1"), slice.Name);
        Assert.Equal(new ObjectName("shop", "web"), slice.Service);
        Assert.Equal(IpFamily.IPv4, slice.Family);
        Assert.Equal([new("web", Protocol.Tcp, 8080), new("", Protocol.Udp, 53)], slice.Ports);
        Assert.Equal(new Endpoint(Ip("10.1.0.1"), Usable, IsLocal: true, Hints: null), slice.Endpoints[0]);
        Assert.Equal(Ip("10.180.0.1"), slice.Endpoints[1].Address);
        Assert.False(slice.Endpoints[1].IsLocal);
        Assert.Equal(["z1", "z2"], slice.Endpoints[1].Hints!.Zones);
        Assert.Equal(["node-b"], slice.Endpoints[1].Hints!.Nodes);
    }

    /// <summary>A file may have what an API server is not asked for.</summary>
    [Fact]
    public void A_slice_of_a_headless_service_has_no_endpoints()
    {
        string metadata = Metadata.Replace("'labels':{", "'labels':{'service.kubernetes.io/headless':'',", StringComparison.Ordinal);

        var slice = Read(new EndpointSliceReader(_faults, "node-a"), $$$"""
            {'endpoints':[{'addresses':['10.1.0.1']}],'ports':[{'name':'web','port':8080}],'addressType':'IPv4',{{{metadata}}}}
            """)!;

        Assert.Empty(_faults.Lines);
        Assert.Empty(slice.Endpoints);
        Assert.Equal(new ObjectName("shop", "web"), slice.Service);
    }

    [Theory]
    [InlineData("'endpoints.kubernetes.io/last-change-trigger-time':'2026-01-02T03:04:05.123456789Z'", "2026-01-02T03:04:05.1234567Z")]
    [InlineData("'a':'b','endpoints.kubernetes.io/last-change-trigger-time':'2026-01-02T03:04:05Z','c':null", "2026-01-02T03:04:05Z")]
    [InlineData("'endpoints.kubernetes.io/last-change-trigger-time':'yesterday'", null)]
    [InlineData("'endpoints.kubernetes.io/last-change-trigger-time':{'a':1}", null)]
    [InlineData("", null)]
    public void The_time_that_triggered_a_change_is_read_where_it_parses(string annotations, string? expected)
    {
        string metadata = Metadata.Replace("'labels'", $"'annotations':{{{annotations}}},'labels'", StringComparison.Ordinal);

        var slice = Read(new EndpointSliceReader(_faults, "n"), $"{{'addressType':'IPv4',{metadata}}}")!;

        Assert.Equal(expected is null ? null : DateTimeOffset.Parse(expected, null), slice.TriggerTime);
        Assert.Empty(_faults.Lines);
    }

    [Theory]
    [InlineData("{}", Usable)]
    [InlineData("null", Usable)]
    [InlineData("{'ready':null,'serving':null,'terminating':null}", Usable)]
    [InlineData("{'ready':false}", EndpointConditions.Serving)]
    [InlineData("{'ready':false,'serving':false}", EndpointConditions.None)]
    [InlineData("{'ready':false,'terminating':true}", EndpointConditions.Serving | EndpointConditions.Terminating)]
    [InlineData("{'ready':true,'serving':false,'terminating':true}", EndpointConditions.Ready | EndpointConditions.Terminating)]
    public void Conditions_have_the_defaults_of_the_API(string conditions, EndpointConditions expected)
    {
        var slice = Read(new EndpointSliceReader(_faults, "n"), Slice($"{{'addresses':['10.0.0.1'],'conditions':{conditions}}}"))!;

        Assert.Equal(expected, slice.Endpoints[0].Conditions);
    }

    [Theory]
    [InlineData("'node-a'", true)]
    [InlineData("'node-A'", false)]
    [InlineData("'node-ab'", false)]
    [InlineData("null", false)]
    public void An_endpoint_is_local_only_on_exactly_this_node(string nodeName, bool expected)
    {
        var slice = Read(new EndpointSliceReader(_faults, "node-a"), Slice($"{{'addresses':['10.0.0.1'],'nodeName':{nodeName}}}"))!;

        Assert.Equal(expected, slice.Endpoints[0].IsLocal);
    }

    [Theory]
    [InlineData("{'addresses':['10.0.0.300']}", "endpoints[1].addresses[0]: \"10.0.0.300\" is not an IP address")]
    [InlineData("{'addresses':['fd00::1']}", "endpoints[1].addresses[0]: \"fd00::1\" is not an address of the slice's type, IPv4")]
    [InlineData("{'addresses':['0.0.0.0']}", "endpoints[1].addresses[0]: \"0.0.0.0\" is no one's address")]
    [InlineData("{'addresses':[]}", "endpoints[1].addresses: is empty")]
    [InlineData("{}", "endpoints[1].addresses: is empty")]
    [InlineData("'x'", "endpoints[1]: \"x\" is not an object")]
    public void An_endpoint_without_a_usable_address_is_reported_and_the_others_are_kept(string endpoint, string expected)
    {
        var slice = Read(new EndpointSliceReader(_faults, "n"), Slice($"{{'addresses':['10.0.0.1']}},{endpoint},{{'addresses':['10.0.0.3']}}"))!;

        Assert.Equal([Ip("10.0.0.1"), Ip("10.0.0.3")], slice.Endpoints.Select(endpoint => endpoint.Address));
        Assert.Equal([$"EndpointSlice shop/web-1 {expected}"], _faults.Lines);
    }

    [Theory]
    [InlineData("{'port':80}", "ports[0].name: is missing")]
    [InlineData("{'name':null,'port':80}", "ports[0].name: is missing")]
    [InlineData("{'name':'a'}", "ports[0].port: is missing")]
    [InlineData("{'name':'a','port':null}", "ports[0].port: is missing")]
    [InlineData("{'name':'a','port':0}", "ports[0].port: 0 is not between 1 and 65535")]
    [InlineData("{'name':'a','port':65536}", "ports[0].port: 65536 is not between 1 and 65535")]
    [InlineData("{'name':'a','port':80,'protocol':'QUIC'}", "ports[0].protocol: \"QUIC\" is not TCP, UDP or SCTP")]
    public void A_port_without_a_name_or_number_is_reported_and_the_others_are_kept(string port, string expected)
    {
        var slice = Read(new EndpointSliceReader(_faults, "n"),
            $$"""{{{Metadata}},'addressType':'IPv4','ports':[{{port}},{'name':'b','port':65535,'protocol':null}]}""")!;

        Assert.Equal([new("b", Protocol.Tcp, 65535)], slice.Ports);
        Assert.Equal([$"EndpointSlice shop/web-1 {expected}"], _faults.Lines);
    }

    [Fact]
    public void A_port_without_a_name_has_the_empty_one_where_no_server_applied_the_defaults()
    {
        var reader = new EndpointSliceReader(_faults, "n") { AppliesServerDefaults = true };

        var slice = Read(reader,
            "{'metadata':{'name':'a','labels':{'kubernetes.io/service-name':'web'}},'addressType':'IPv4','ports':[{'port':80}]}")!;

        Assert.Equal([new("", Protocol.Tcp, 80)], slice.Ports);
        Assert.Equal(new ObjectName("default", "web"), slice.Service);
    }

    [Theory]
    [InlineData("'metadata':{'name':'s','namespace':'n'},'addressType':'IPv4'",
        "EndpointSlice n/s metadata.labels: has no kubernetes.io/service-name, so the slice is no service's")]
    [InlineData(Metadata + ",'addressType':'FQDN'", "EndpointSlice shop/web-1 addressType: \"FQDN\" is not IPv4 or IPv6")]
    [InlineData(Metadata, "EndpointSlice shop/web-1 addressType: is missing")]
    public void A_slice_that_is_no_ones_is_reported_and_skipped(string json, string expected)
    {
        var slice = Read(new EndpointSliceReader(_faults, "n"), $$"""{{{json}},'endpoints':[{'addresses':['10.0.0.1']}]}""");

        Assert.Null(slice);
        Assert.Equal([expected], _faults.Lines);
    }

    [Fact]
    public void Equal_hints_share_one_object_also_across_slices()
    {
        var reader = new EndpointSliceReader(_faults, "n");
        const string Zone1 = "{'addresses':['10.0.0.1'],'hints':{'forZones':[{'name':'z1'}]}}";
        const string Node1 = "{'addresses':['10.0.0.1'],'hints':{'forNodes':[{'name':'z1'}]}}";

        var one = Read(reader, Slice($"{Zone1},{Node1},{Zone1}"))!;
        var two = Read(reader, Slice($"{Zone1},{{'addresses':['10.0.0.1'],'hints':{{}}}}"))!;

        Assert.Same(one.Endpoints[0].Hints, one.Endpoints[2].Hints);
        Assert.Same(one.Endpoints[0].Hints, two.Endpoints[0].Hints);
        Assert.NotSame(one.Endpoints[0].Hints, one.Endpoints[1].Hints);
        Assert.Null(two.Endpoints[1].Hints);
    }

    [Fact]
    public void An_endpoint_costs_nothing_but_its_place_in_the_slice()
    {
        var reader = new EndpointSliceReader(_faults, "n");
        const string Endpoint =
            "{'addresses':['10.0.0.1'],'conditions':{'ready':true},'nodeName':'other','hints':{'forZones':[{'name':'z1'}]},'zone':'z1'}";
        string json = Slice(string.Join(',', Enumerable.Repeat(Endpoint, 1000))).Replace('\'', '"');
        byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(json);
        ReadOnce(reader, utf8);

        long before = GC.GetAllocatedBytesForCurrentThread();
        ReadOnce(reader, utf8);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, 32_000, 33_500);
    }

    private static void ReadOnce(EndpointSliceReader reader, byte[] utf8)
    {
        var json = new System.Text.Json.Utf8JsonReader(utf8);
        json.Read();
        reader.Read(ref json);
    }

    private static string Slice(string endpoints) => $$"""{{{Metadata}},'addressType':'IPv4','endpoints':[{{endpoints}}]}""";
}
