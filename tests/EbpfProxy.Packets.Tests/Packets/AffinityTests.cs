using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Packets.Tests.Packets;

/// <summary>Session affinity: a client stays with the backend of its last connection.</summary>
[Collection(PacketTests.Name)]
public sealed class AffinityTests(PacketKernel kernel)
{
    private const int Seconds = 600;
    private const int Web = 50;
    private const int WebNodePort = 3010;

    /// <summary>With room for all that a test asks: nothing has to be pushed out.</summary>
    private static readonly NodeSettings _settings = new() { Connections = 2048 };

    private int _clientPort = 20000;

    public static MatrixTheoryData<Protocol, bool> Protocols { get; } = new([Protocol.Tcp, Protocol.Udp, Protocol.Sctp], [false, true]);

    [KernelTheory]
    [MemberData(nameof(Protocols))]
    public void Client_stays_with_one_backend_by_whatever_address_and_port_it_asks(Protocol protocol, bool isV6)
    {
        var node = Start();
        string first = Ask(node, protocol, isV6, Pod(isV6, 9), Services.ClusterIP(isV6, Web), Reason.AffinityAdded);

        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(first, Ask(node, protocol, isV6, Pod(isV6, 9), Services.ClusterIP(isV6, Web)));
            if (protocol != Protocol.Sctp)
            {
                Assert.Equal(first, Ask(node, protocol, isV6, Pod(isV6, 9), Services.NodePort(isV6, WebNodePort)));
            }

            Assert.Equal(first, Ask(node, protocol, isV6, Pod(isV6, 9), Services.End(isV6, "198.51.100.7", "2001:db8:7::7", 80)));
        }

        Assert.Single(node.Programs.Affinity.Enumerate());
    }

    [KernelFact]
    public void Clients_and_protocols_choose_apart_from_each_other()
    {
        var node = Start();

        string[] tcp = Enumerable.Range(10, 60).Select(i => Ask(node, Protocol.Tcp, false, Pod(false, i), Services.ClusterIP(false, Web), Reason.AffinityAdded)).ToArray();
        string[] udp = Enumerable.Range(10, 60).Select(i => Ask(node, Protocol.Udp, false, Pod(false, i), Services.ClusterIP(false, Web), Reason.AffinityAdded)).ToArray();

        Assert.Equal(4, tcp.Distinct().Count());
        Assert.NotEqual(tcp, udp);
    }

    [KernelFact]
    public void Client_is_whom_the_node_sees_before_it_masquerades()
    {
        var node = Start();
        string first = Ask(node, Protocol.Tcp, false, "203.0.113.2", Services.NodePort(false, WebNodePort), node.Uplink, Reason.AffinityAdded);

        string[] others = [.. Enumerable.Range(3, 40).Select(i =>
            Ask(node, Protocol.Tcp, false, $"203.0.113.{i}", Services.NodePort(false, WebNodePort), node.Uplink, Reason.AffinityAdded))];

        Assert.True(others.Distinct().Count() > 1);
        Assert.Equal(first, Ask(node, Protocol.Tcp, false, "203.0.113.2", Services.NodePort(false, WebNodePort), node.Uplink));
        Assert.Contains(node.Programs.Affinity.Enumerate(), row => row.Key.Client.ToAddress().ToString() == "203.0.113.2");
    }

    [KernelFact]
    public void Each_connection_begins_the_time_anew()
    {
        var node = Start();
        string first = Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web), Reason.AffinityAdded);

        for (int i = 0; i < 20; i++)
        {
            // The time that passes here counts too.
            node.AgeClients(TimeSpan.FromSeconds(Seconds - 60));
            Assert.Equal(first, Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web)));
        }
    }

    [KernelFact]
    public void Client_chooses_anew_when_its_time_is_over()
    {
        var node = Start();
        Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web), Reason.AffinityAdded);

        var seen = Enumerable.Range(0, 60).Select(_ =>
        {
            node.AgeClients(TimeSpan.FromSeconds(Seconds + 1));
            string chosen = Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web));
            Assert.Equal(chosen, Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web)));
            return chosen;
        }).ToHashSet();

        Assert.Equal(4, seen.Count);
    }

    [KernelTheory]
    [InlineData(Protocol.Tcp)]
    [InlineData(Protocol.Udp)]
    public void Packets_of_a_flow_do_not_begin_the_time_anew(Protocol protocol)
    {
        var node = Start();
        string client = $"{Pod(false, 9)}:3333";
        var flow = Established.Open(node, protocol, client, Services.ClusterIP(false, Web), node.Pods, node.Pods);
        ulong before = Assert.Single(node.Programs.Affinity.Enumerate()).Value.LastConnectionNs;

        flow.Answers((from, to) => Flow.Reply(protocol, from, to));
        flow.Asks((from, to) => protocol == Protocol.Tcp ? Testing.Packets.Packet.Tcp(from, to).Ack() : Flow.First(protocol, from, to));

        Assert.Equal(before, Assert.Single(node.Programs.Affinity.Enumerate()).Value.LastConnectionNs);
    }

    [KernelTheory]
    [InlineData("")]
    [InlineData("endpoint web {0} remote terminating")] // serves on, but is in no set
    public void Client_whose_backend_leaves_chooses_anew_and_others_stay(string left)
    {
        var node = Start();
        string[] before = AskAll(node, Reason.AffinityAdded);
        string gone = before[0];

        node.Apply(Case([.. Endpoints.Where(endpoint => endpoint != gone)], extra: string.Format(null, left, gone)));
        string[] after = AskAll(node);

        Assert.DoesNotContain(gone, after);
        Assert.All(before.Zip(after).Where(pair => pair.First != gone), pair => Assert.Equal(pair.First, pair.Second));
        Assert.True(before.Zip(after).Where(pair => pair.First == gone).Select(pair => pair.Second).Distinct().Count() > 1);
        Assert.Equal(after, AskAll(node));
    }

    [KernelFact]
    public void Backend_that_comes_moves_no_client()
    {
        var node = Start();
        string[] before = AskAll(node, Reason.AffinityAdded);

        node.Apply(Case([.. Endpoints, "10.180.2.5", "10.180.2.6"]));

        Assert.Equal(before, AskAll(node));
    }

    /// <summary>Under policy Local the set of node ports has less than that of the cluster IP.</summary>
    [KernelFact]
    public void Backend_is_kept_only_for_traffic_that_may_have_it()
    {
        var node = kernel.Start(FlowCase.Parse("""
            service web NodePort 172.30.0.50 http:80/tcp>8080@3010 external-local affinity=600
            endpoint web 10.180.0.1 local
            endpoint web 10.180.2.1 remote
            endpoint web 10.180.2.2 remote
            endpoint web 10.180.2.3 remote
            """), _settings);
        string inside = Services.ClusterIP(false, Web);
        string outside = Services.NodePort(false, WebNodePort);
        string client = Enumerable.Range(10, 40).Select(i => $"203.0.113.{i}")
            .First(client => Ask(node, Protocol.Tcp, false, client, inside, node.Uplink, Reason.AffinityAdded) != "10.180.0.1");

        Assert.Equal("10.180.0.1", Ask(node, Protocol.Tcp, false, client, outside, node.Uplink));
        Assert.Equal("10.180.0.1", Ask(node, Protocol.Tcp, false, client, inside, node.Uplink));
    }

    [KernelFact]
    public void Switch_counts_from_the_next_connection_on()
    {
        var node = Start();
        string first = Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web), Reason.AffinityAdded);

        node.Apply(Case(Endpoints, affinity: ""));
        var spread = Enumerable.Range(0, 60).Select(_ => Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web))).ToHashSet();
        node.Apply(Case(Endpoints));
        var again = Enumerable.Range(0, 20).Select(_ => Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web))).ToHashSet();

        Assert.Contains(first, spread);
        Assert.Equal(4, spread.Count);
        Assert.Single(again);
    }

    [KernelFact]
    public void Full_table_costs_the_affinity_only()
    {
        var node = Start();
        uint service = ServiceOf(node);
        for (uint i = 0; i < node.Programs.Affinity.Map.MaxEntries; i++)
        {
            node.Programs.Affinity.Update(new AffinityKey(new AddressKey(1, 2, 3, i), service), default);
        }

        var seen = Enumerable.Range(0, 60)
            .Select(_ => Ask(node, Protocol.Tcp, false, Pod(false, 9), Services.ClusterIP(false, Web), Reason.AffinityFull)).ToHashSet();

        Assert.Equal(4, seen.Count);
    }

    [KernelFact]
    public void Row_of_the_table_before_is_found_and_moves_while_the_table_grows()
    {
        var node = Start();
        string client = Pod(false, 9);
        string first = Ask(node, Protocol.Tcp, false, client, Services.ClusterIP(false, Web), Reason.AffinityAdded);
        var row = Assert.Single(node.Programs.Affinity.Enumerate());
        var slot = new BpfMapArray(node.Programs.Object.GetMap(TableNames.Slot(TableNames.Affinity)).Map);
        using var before = BpfMap.Create(new BpfMapOptions
        {
            Name = "before",
            Type = BpfMapType.Hash,
            KeySize = 24,
            ValueSize = 16,
            MaxEntries = node.Programs.Affinity.Map.MaxEntries,
        });
        new BpfHashMap<AffinityKey, AffinityValue>(before).Update(row.Key, row.Value);
        node.Programs.Affinity.Delete(row.Key);
        slot.Set(1, before);
        try
        {
            for (int i = 0; i < 10; i++)
            {
                Assert.Equal(first, Ask(node, Protocol.Tcp, false, client, Services.ClusterIP(false, Web)));
            }

            var moved = Assert.Single(node.Programs.Affinity.Enumerate());
            Assert.Equal((row.Key, row.Value.BackendId), (moved.Key, moved.Value.BackendId));
            Assert.True(moved.Value.LastConnectionNs > row.Value.LastConnectionNs);
        }
        finally
        {
            slot.Clear(1);
        }
    }

    private static string[] Endpoints => ["10.180.0.1", "10.180.2.1", "10.180.2.2", "10.180.2.3"];

    private static string Pod(bool isV6, int number) => isV6 ? $"fd00:10:180::{number:x}" : $"10.180.0.{number}";

    private static FlowCase Case(string[] endpoints, string affinity = "affinity=600", string extra = "") => FlowCase.Parse($"""
        service web NodePort 172.30.0.50,fd00:172::50 http:80/tcp>8080@3010 dns:80/udp>8080@3010 sctp:80/sctp@3010 external=198.51.100.7,2001:db8:7::7 {affinity}
        {string.Join('\n', endpoints.Select(address => $"endpoint web {address} remote"))}
        {extra}
        endpoint web fd00:10:180::1 local
        endpoint web fd00:10:180::2:1 remote
        endpoint web fd00:10:180::2:2 remote
        """);

    private ProxyNode Start() => kernel.Start(Case(Endpoints), _settings);

    private static uint ServiceOf(ProxyNode node) => node.Programs.Tables.Frontends.ReadAll()
        .First(row => row.Key.Address.ToAddress().ToString() == "172.30.0.50" && row.Key.Protocol == (byte)Protocol.Tcp).Value.Service;

    private string[] AskAll(ProxyNode node, params Reason[] also) =>
        [.. Enumerable.Range(10, 60).Select(i => Ask(node, Protocol.Tcp, false, Pod(false, i), Services.ClusterIP(false, Web), also))];

    private string Ask(ProxyNode node, Protocol protocol, bool isV6, string client, string frontend, params Reason[] also) =>
        Ask(node, protocol, isV6, client, frontend, node.Pods, also);

    /// <summary>The address of the backend that a new connection gets.</summary>
    private string Ask(ProxyNode node, Protocol protocol, bool isV6, string client, string frontend, uint device, params Reason[] also)
    {
        var step = node.Ingress(Flow.First(protocol, isV6 ? $"[{client}]:{_clientPort}" : $"{client}:{_clientPort}", frontend), device);
        _clientPort++;
        return step.Counts([Reason.ConnectionOpened, .. also]).Frame.To.Address.ToString();
    }
}
