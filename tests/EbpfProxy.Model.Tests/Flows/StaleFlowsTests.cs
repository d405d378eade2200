using EbpfProxy.Model.Cluster;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Model.Tests.Flows;

/// <summary>kube-proxy's table of stale entries (TestCleanStaleEntries), and what goes beyond it.</summary>
public sealed class StaleFlowsTests
{
    private const string ClusterIP = "172.30.1.1";
    private const string ExternalIP = "192.168.99.100";
    private const string LoadBalancer = "1.2.3.4";
    private const string NodeIP = "192.168.0.2";
    private const string Serving = "10.240.0.4";
    private const string NotServing = "10.240.1.5";
    private const string Deleted = "10.240.2.6";
    private const ushort Port = 8000;
    private const ushort NodePort = 32000;

    public static TheoryData<string, ushort, string, ushort, bool> Rows()
    {
        var rows = new TheoryData<string, ushort, string, ushort, bool>();
        foreach (string address in new[] { ClusterIP, ExternalIP, LoadBalancer })
        {
            rows.Add(address, Port, Serving, 9090, false);
            rows.Add(address, Port, Serving, 8080, true); // the port before
            rows.Add(address, Port, NotServing, 9090, true);
            rows.Add(address, Port, Deleted, 9090, true);
            rows.Add(address, Port, address, 0, true); // never translated
            rows.Add(address, Port, address, Port, true);
            rows.Add(address, 3000, Serving, 9090, false); // no port of the service
            rows.Add(address, 3000, Deleted, 9090, false);
            rows.Add(address, 3000, address, 3000, false);
        }

        foreach (string address in new[] { NodeIP, "127.0.0.1", "203.0.113.77" })
        {
            rows.Add(address, NodePort, Serving, 9090, false);
            rows.Add(address, NodePort, Serving, 8080, true);
            rows.Add(address, NodePort, NotServing, 9090, true);
            rows.Add(address, NodePort, Deleted, 9090, true);
        }

        // Ours alone: what goes untranslated to that port of another machine is that machine's.
        rows.Add(NodeIP, NodePort, NodeIP, NodePort, true);
        rows.Add("203.0.113.77", NodePort, "203.0.113.77", NodePort, false);
        rows.Add(Serving, 9090, Serving, 9090, false); // asked directly
        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Flow_of_udp_is_stale_by_who_answers_it(string asked, ushort port, string answering, ushort answeringPort, bool isStale)
    {
        var stale = new StaleFlows([Tables(Protocol.Tcp), Tables(Protocol.Udp), Tables(Protocol.Sctp)]);

        Assert.Equal(isStale, IsStale(stale, Protocol.Udp, asked, port, answering, answeringPort));
        Assert.False(IsStale(stale, Protocol.Tcp, asked, port, answering, answeringPort));
        Assert.False(IsStale(stale, Protocol.Sctp, asked, port, answering, answeringPort));
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Nothing_is_stale_of_a_service_without_endpoints(string asked, ushort port, string answering, ushort answeringPort, bool isStale)
    {
        _ = isStale;
        var stale = new StaleFlows([Tables(Protocol.Udp) with { Backends = [] }]);

        Assert.True(stale.IsEmpty);
        Assert.False(IsStale(stale, Protocol.Udp, asked, port, answering, answeringPort));
    }

    [Fact]
    public void Backends_of_services_that_share_an_address_and_port_may_answer_there()
    {
        var other = Tables(Protocol.Udp) with { Backends = [new Backend(Samples.Ip(Deleted), 9090, BackendUse.Serving)] };
        var stale = new StaleFlows([Tables(Protocol.Udp), other]);

        Assert.False(IsStale(stale, Protocol.Udp, ExternalIP, Port, Serving, 9090));
        Assert.False(IsStale(stale, Protocol.Udp, ExternalIP, Port, Deleted, 9090));
        Assert.True(IsStale(stale, Protocol.Udp, ExternalIP, Port, NotServing, 9090));
    }

    /// <summary>
    /// A socket of the node that no hook saw is translated behind connection tracking: to that it asks the service untranslated,
    /// for as long as it asks. To delete the entry of it would have a rule that lets in what was asked for drop the answer.
    /// </summary>
    [Theory]
    [InlineData(ClusterIP, Port, ClusterIP, Port, false)]
    [InlineData(LoadBalancer, Port, LoadBalancer, Port, false)]
    [InlineData(ClusterIP, Port, Deleted, 9090, true)]
    [InlineData(ClusterIP, Port, ClusterIP, 9090, true)]
    public void Flow_of_the_node_itself_is_stale_only_where_it_is_sent_on(string asked, ushort port, string answering, ushort answeringPort, bool isStale)
    {
        var stale = new StaleFlows([Tables(Protocol.Udp)]);
        var flow = new TrackedFlow(Protocol.Udp, Samples.Ip(asked), port, Samples.Ip(answering), answeringPort);

        Assert.Equal(isStale, stale.IsStale(flow with { Client = Samples.Ip(NodeIP) }, IsOfNode));
        Assert.True(stale.IsStale(flow with { Client = Samples.Ip("10.240.0.9") }, IsOfNode));
    }

    [Fact]
    public void Families_are_told_apart()
    {
        var stale = new StaleFlows([Tables(Protocol.Udp)]);

        Assert.True(stale.Has(IpFamily.IPv4));
        Assert.False(stale.Has(IpFamily.IPv6));
        Assert.False(IsStale(stale, Protocol.Udp, "fd00::1", NodePort, "fd00::2", 9090));
    }

    private static bool IsStale(StaleFlows stale, Protocol protocol, string asked, ushort port, string answering, ushort answeringPort) =>
        stale.IsStale(new TrackedFlow(protocol, Samples.Ip(asked), port, Samples.Ip(answering), answeringPort), IsOfNode);

    private static bool IsOfNode(Address address) => address == Samples.Ip(NodeIP);

    private static PortTables Tables(Protocol protocol) => new()
    {
        Key = new ServiceKey(new ObjectName("default", "web"), "p", protocol, IpFamily.IPv4),
        Frontends =
        [
            new Frontend(Samples.Ip(ClusterIP), Port, FrontendKind.ClusterIP),
            new Frontend(Samples.Ip(ExternalIP), Port, FrontendKind.ExternalIP),
            new Frontend(Samples.Ip(LoadBalancer), Port, FrontendKind.LoadBalancer),
            new Frontend(Address.AnyOf(IpFamily.IPv4), NodePort, FrontendKind.NodePort),
        ],
        Backends = [new Backend(Samples.Ip(Serving), 9090, BackendUse.Serving | BackendUse.InClusterSet)],
        Verdicts = new TrafficVerdicts(Verdict.Cluster, Verdict.Cluster, Verdict.Cluster),
    };
}
