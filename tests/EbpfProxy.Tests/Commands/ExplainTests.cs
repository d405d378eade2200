using System.Globalization;
using EbpfProxy.Commands;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Output;

namespace EbpfProxy.Tests.Commands;

/// <summary>What `explain` says of a flow, and why.</summary>
public sealed class ExplainTests
{
    private static readonly ServiceRow _web = new(
        1,
        new ServiceKey(new ObjectName("default", "web"), "http", Protocol.Tcp, IpFamily.IPv4),
        [
            new Frontend(Parse("10.96.0.1"), 80, FrontendKind.ClusterIP),
            new Frontend(Parse("203.0.113.1"), 80, FrontendKind.LoadBalancer, HasSourceRanges: true),
            new Frontend(Address.AnyOf(IpFamily.IPv4), 30080, FrontendKind.NodePort),
        ],
        new TrafficVerdicts(Verdict.Cluster, Verdict.Local, Verdict.Cluster),
        2,
        0,
        [new Prefix(Parse("198.51.100.0"), 24)],
        [],
        [
            new BackendRow(1, Parse("10.0.0.1"), 8080, BackendUse.Serving | BackendUse.InClusterSet | BackendUse.InLocalSet | BackendUse.OnNode),
            new BackendRow(2, Parse("10.0.1.2"), 8080, BackendUse.Serving | BackendUse.InClusterSet),
            new BackendRow(3, Parse("10.0.0.3"), 8080, BackendUse.Serving | BackendUse.OnNode),
            new BackendRow(4, Parse("10.0.0.4"), 8080, BackendUse.Serving | BackendUse.InLocalSet | BackendUse.OnNode),
        ]);

    private static readonly ServiceRow _web6 = _web with
    {
        Key = _web.Key with { Family = IpFamily.IPv6 },
        Frontends = [new Frontend(Address.AnyOf(IpFamily.IPv6), 30080, FrontendKind.NodePort)],
    };

    private static readonly ServiceRow _empty = _web with
    {
        Key = _web.Key with { Service = new ObjectName("default", "empty") },
        Frontends = [new Frontend(Parse("10.96.0.2"), 80, FrontendKind.ClusterIP)],
        Verdicts = new TrafficVerdicts(Verdict.Refuse, Verdict.Refuse, Verdict.Refuse),
        Backends = [new BackendRow(7, Parse("10.0.0.7"), 8080, BackendUse.Serving)],
    };

    /// <summary>Under policy Local, with a ready endpoint on another node and one on this node that drains.</summary>
    private static readonly ServiceRow _far = _web with
    {
        Key = _web.Key with { Service = new ObjectName("default", "far") },
        Frontends = [new Frontend(Parse("10.96.0.4"), 80, FrontendKind.ClusterIP)],
        Verdicts = new TrafficVerdicts(Verdict.Drop, Verdict.Refuse, Verdict.Refuse),
        Backends =
        [
            new BackendRow(5, Parse("10.0.1.5"), 8080, BackendUse.Serving),
            new BackendRow(6, Parse("10.0.0.6"), 8080, BackendUse.Serving | BackendUse.OnNode),
        ],
    };

    private static readonly Dictionary<Address, AddressRole> _addresses = new()
    {
        [Parse("10.96.0.1")] = AddressRole.ClusterIP,
        [Parse("10.96.0.2")] = AddressRole.ClusterIP,
        [Parse("10.96.0.4")] = AddressRole.ClusterIP,
        [Parse("10.96.0.3")] = AddressRole.ClusterIP | AddressRole.OnDevice,
        [Parse("203.0.113.1")] = AddressRole.External,
        [Parse("192.168.0.1")] = AddressRole.Node | AddressRole.OnDevice,
    };

    [Theory]
    [InlineData("10.0.0.9", ClientPlace.LocalPod, "10.96.0.1", 80, FlowFate.Translated, "each as likely", "Chosen Chosen PassedOver NotHinted")]
    [InlineData("192.0.2.9", ClientPlace.Elsewhere, "192.168.0.1", 30080, FlowFate.Translated, "of this node", "Chosen OnOtherNode Draining Chosen")]
    [InlineData("192.0.2.9", ClientPlace.Elsewhere, "203.0.113.1", 80, FlowFate.Dropped, "source ranges", "NoneIsChosen NoneIsChosen NoneIsChosen NoneIsChosen")]
    [InlineData("198.51.100.9", ClientPlace.Elsewhere, "203.0.113.1", 80, FlowFate.Translated, "of this node", "Chosen OnOtherNode Draining Chosen")]
    [InlineData("10.0.0.9", ClientPlace.LocalPod, "10.96.0.2", 80, FlowFate.Refused, "no endpoint", "Draining")]
    [InlineData("10.0.0.9", ClientPlace.LocalPod, "10.96.0.4", 80, FlowFate.Dropped, "policy is Local", "OnOtherNode Draining")]
    [InlineData("10.0.0.9", ClientPlace.LocalPod, "10.96.0.1", 81, FlowFate.Refused, "no service has this port", "")]
    [InlineData("10.0.0.9", ClientPlace.LocalPod, "10.96.0.3", 53, FlowFate.Untouched, "a device of this node", "")]
    [InlineData("10.0.0.9", ClientPlace.LocalPod, "192.0.2.1", 80, FlowFate.Untouched, "no service has this address", "")]
    [InlineData("192.0.2.9", ClientPlace.Elsewhere, "192.168.0.2", 30080, FlowFate.Untouched, "no service has this address", "")]
    public void A_flow_is_explained_by_the_rules_that_it_goes_by(
        string client, ClientPlace place, string destination, ushort port, FlowFate fate, string why, string endpoints)
    {
        var explanation = Explain(new ExplainedFlow(Parse(client), place, Parse(destination), port, Protocol.Tcp));

        Assert.Equal(fate, explanation.Fate);
        Assert.Contains(why, explanation.Why, StringComparison.Ordinal);
        Assert.Equal(endpoints, string.Join(' ', explanation.Endpoints.Select(endpoint => endpoint.Reason)));
    }

    [Theory]
    [InlineData("10.96.0.1", 81, Protocol.Tcp, "no service has this port and protocol there; 10.96.0.1 is default/web: 80/TCP")]
    [InlineData("10.96.0.1", 80, Protocol.Udp, "no service has this port and protocol there; 10.96.0.1 is default/web: 80/TCP")]
    [InlineData("203.0.113.1", 443, Protocol.Tcp, "port and protocol; 203.0.113.1 is default/web: 80/TCP")]
    [InlineData("192.168.0.1", 30080, Protocol.Udp, "port and protocol; 30080 is TCP of default/web")]
    [InlineData("127.0.0.1", 30080, Protocol.Udp, "port and protocol; 30080 is TCP of default/web")]
    [InlineData("192.168.0.1", 30081, Protocol.Udp, "port and protocol")]
    [InlineData("192.168.0.2", 30080, Protocol.Udp, "port and protocol")]
    public void Where_nothing_has_the_port_it_is_told_what_is_there(string destination, ushort port, Protocol protocol, string why)
    {
        var explanation = Explain(new ExplainedFlow(Parse("192.168.0.1"), ClientPlace.Node, Parse(destination), port, protocol));

        Assert.EndsWith(why, explanation.Why, StringComparison.Ordinal);
        Assert.Null(explanation.Service);
    }

    [Fact]
    public void It_is_told_in_lines()
    {
        var flow = new ExplainedFlow(Parse("192.0.2.9"), ClientPlace.Elsewhere, Parse("192.168.0.1"), 30080, Protocol.Tcp);
        using var output = new StringWriter(CultureInfo.InvariantCulture);

        ExplainCommand.Write(output, flow, Explain(flow), isHandedBack: true);

        Assert.Equal(
            """
            note       the node is handed back: what is new goes by kube-proxy's rules. This is what it would get here
            from       192.0.2.9, outside this node
            to         192.168.0.1:30080 TCP
            service    default/web:http, by its node port
            result     translated: the traffic policy is Local: one of the endpoints of this node, each as likely as any other
                       10.0.0.1:8080 yes, sees 192.0.2.9
                       10.0.1.2:8080 no, on another node
                       10.0.0.3:8080 no, draining: keeps what it has, gets nothing new
                       10.0.0.4:8080 yes, sees 192.0.2.9

            """,
            output.ToString());
    }

    [Theory]
    [InlineData(null, "10.244.0.1", ClientPlace.Node)]
    [InlineData(null, "10.244.0.7", ClientPlace.LocalPod)]
    [InlineData(null, "127.0.0.1", ClientPlace.Node)]
    [InlineData(null, "192.0.2.9", ClientPlace.Elsewhere)]
    [InlineData("pod", "10.244.0.1", ClientPlace.LocalPod)]
    public void Address_of_the_node_is_the_node_among_its_pods_too(string? said, string client, ClientPlace place)
    {
        var addresses = new Dictionary<Address, AddressRole> { [Parse("10.244.0.1")] = AddressRole.Node | AddressRole.OnDevice };
        var note = new DaemonNote(
            "1.0", 42, DateTimeOffset.UnixEpoch, "n1", "/sys/fs/cgroup", "", SourceError: null, LastHeard: null, LastSync: null, SyncError: null, FailedDevices: 0,
            FailedNames: "", TellsLocalPods: true, LocalPods: "10.244.0.0/24", MasqueradesAll: false, PreservesClient: false, ServicePrefixes: "", LoopbackNodePorts.None,
            Health: null, HealthError: null, WaitingSince: null);

        Assert.Equal(place, ExplainCommand.PlaceOf(said, Parse(client), addresses, note));
    }

    [Theory]
    [InlineData("10.96.0.1:80", "10.96.0.1", 80, Protocol.Tcp)]
    [InlineData("10.96.0.1:53/udp", "10.96.0.1", 53, Protocol.Udp)]
    [InlineData("[fd00::1]:53/SCTP", "fd00::1", 53, Protocol.Sctp)]
    public void What_is_asked_is_written_as_in_a_URL(string text, string address, ushort port, Protocol protocol)
    {
        Assert.True(ExplainCommand.Asked.TryParse(text, out var asked));
        Assert.Equal(new ExplainCommand.Asked(Parse(address), port, protocol), asked);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.96.0.1")]
    [InlineData("10.96.0.1:")]
    [InlineData("10.96.0.1:65536")]
    [InlineData("fd00::1:53")]
    [InlineData("10.96.0.1:53/icmp")]
    [InlineData("10.96.0.1:53/udp/4")]
    [InlineData("web:80")]
    public void What_makes_no_sense_is_not_taken_for_something(string text) => Assert.False(ExplainCommand.Asked.TryParse(text, out _));

    [Fact]
    public void Address_that_only_a_service_could_have_is_dropped()
    {
        var explanation = Explain(
            new ExplainedFlow(Parse("198.51.100.7"), ClientPlace.Elsewhere, Parse("10.96.7.7"), 80, Protocol.Tcp), new Prefix(Parse("10.96.0.0"), 16));

        Assert.Equal((FlowFate.Dropped, "no service has the address, and only services have addresses of 10.96.0.0/16"), (explanation.Fate, explanation.Why));
    }

    [Theory]
    [InlineData(ClientPlace.Node, "127.0.0.1", LoopbackNodePorts.Tcp4, FlowFate.Translated, "each as likely")]
    [InlineData(ClientPlace.Node, "127.0.0.1", LoopbackNodePorts.All, FlowFate.Translated, "each as likely")]
    [InlineData(ClientPlace.Node, "127.0.0.1", LoopbackNodePorts.None, FlowFate.Untouched, "see localhostNodePorts")]
    [InlineData(ClientPlace.LocalPod, "127.0.0.1", LoopbackNodePorts.All, FlowFate.Untouched, "the client's own")]
    [InlineData(ClientPlace.Node, "::1", LoopbackNodePorts.Tcp4, FlowFate.Untouched, "see localhostNodePorts")]
    [InlineData(ClientPlace.Node, "::1", LoopbackNodePorts.All, FlowFate.Translated, "each as likely")]
    public void Node_ports_at_loopback_addresses_are_for_the_node_where_they_are_on(
        ClientPlace place, string destination, LoopbackNodePorts loopback, FlowFate fate, string why)
    {
        var explanation = Explain(new ExplainedFlow(Parse(destination), place, Parse(destination), 30080, Protocol.Tcp), loopback: loopback);

        Assert.Equal(fate, explanation.Fate);
        Assert.Contains(why, explanation.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ClientPlace.Node, "192.168.0.1", "0.0.0.0", LoopbackNodePorts.None, FlowFate.Translated)]
    [InlineData(ClientPlace.Node, "127.0.0.1", "0.0.0.0", LoopbackNodePorts.Tcp4, FlowFate.Translated)]
    [InlineData(ClientPlace.Node, "127.0.0.1", "0.0.0.0", LoopbackNodePorts.None, FlowFate.Untouched)]
    [InlineData(ClientPlace.Node, "::1", "::", LoopbackNodePorts.All, FlowFate.Translated)]
    [InlineData(ClientPlace.Node, "::1", "::", LoopbackNodePorts.Tcp4, FlowFate.Untouched)]
    [InlineData(ClientPlace.LocalPod, "10.244.0.7", "0.0.0.0", LoopbackNodePorts.All, FlowFate.Untouched)]
    public void Unspecified_address_is_the_client_itself(ClientPlace place, string client, string destination, LoopbackNodePorts loopback, FlowFate fate)
    {
        var explanation = Explain(new ExplainedFlow(Parse(client), place, Parse(destination), 30080, Protocol.Tcp), loopback: loopback);

        Assert.Equal(fate, explanation.Fate);
    }

    [Theory]
    [InlineData("127.0.0.1", 30080)]
    [InlineData("10.96.0.1", 80)]
    public void Client_at_a_loopback_address_is_seen_by_another_of_the_node(string destination, ushort port)
    {
        var flow = new ExplainedFlow(Parse("127.0.0.1"), ClientPlace.Node, Parse(destination), port, Protocol.Tcp);

        Assert.Equal("yes, sees an address of this node", Words.Of(Explain(flow).Endpoints[0], flow));
    }

    private static FlowExplanation Explain(ExplainedFlow flow, Prefix? servicePrefix = null, LoopbackNodePorts loopback = LoopbackNodePorts.Tcp4) =>
        new FlowExplainer(
            [_web, _web6, _empty, _far],
            _addresses,
            new MasqueradeRules(TellsLocalPodsOfIPv4: true, TellsLocalPodsOfIPv6: true, MasqueradesAll: false),
            preservesClient: false,
            servicePrefix,
            loopback).Explain(flow);

    private static Address Parse(string text) => Address.TryParse(text, out var address) ? address : throw new FormatException(text);
}
