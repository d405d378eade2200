using System.Net;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Packets.Tests.Node;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;
using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Flows;

/// <summary>The flow tables, answered by the programs in the kernel: each flow lives its whole life, from ask to answer.</summary>
[Collection(PacketTests.Name)]
public sealed class ProgramFlowTests(PacketKernel kernel)
{
    private const int MaxFlows = 200;

    /// <summary>The programs are not told the service ranges of the cluster: what is about them only the model answers.</summary>
    public static TheoryData<string> Told { get; } =
        [.. FlowTables.Names.Select(row => row.Data).Where(name => FlowTables.Get(name).ServiceCidrs.Length == 0)];

    [KernelTheory]
    [MemberData(nameof(Told))]
    public void Programs_answer_every_row(string name)
    {
        var flows = FlowTables.Get(name);
        var node = kernel.Start(flows);
        List<string> answers = [];

        foreach (var row in flows.Rows)
        {
            answers.Add($"{row.Text[..(row.Text.IndexOf('>') + 2)]}{row.Destination} {Answer(node, flows, row)}");
            node.Forget();
        }

        Assert.Equal(flows.Rows.Select(row => $"{row.Text[..(row.Text.IndexOf('>') + 2)]}{row.Destination} {row.Expected}"), answers);
    }

    /// <summary>Begins flows from one port after the other, until every backend that the row names was seen.</summary>
    private static string Answer(ProxyNode node, FlowCase flows, FlowRow row)
    {
        Dictionary<string, bool> seen = [];
        for (int i = 0; i < MaxFlows; i++)
        {
            var ask = Flow.First(row.Protocol, Flow.End(row.Client, 30000 + i), row.Destination.ToString());
            var step = Ask(node, row, ask);
            if (step.Verdict == HookVerdict.Drop)
            {
                Assert.True(step.Counted.Values.Sum(count => (long)count) == 1, $"{row.Text}: {step}");
                return FlowRow.Describe(FlowOutcome.Dropped, []);
            }

            if (step.Frame.To.Equals(row.Destination))
            {
                step.GoesOnAs(ask).Counts();
                return FlowRow.Describe(FlowOutcome.Untouched, []);
            }

            if (step.Verdict == HookVerdict.Redirect && step.Frame.To.Address.Equals(row.Client.ToIPAddress()))
            {
                step.IsSentAs(Refusals.Unreachable(ask, row.Destination.Address.ToString(), row.Client.ToString()));
                return FlowRow.Describe(FlowOutcome.Refused, []);
            }

            seen[step.Frame.To.ToString()] = Finish(node, flows, row, ask, step);
            if (seen.Count >= row.Backends.Count && i >= 10)
            {
                break;
            }
        }

        return FlowRow.Describe(FlowOutcome.Translated, seen.Select(pair => (pair.Key, pair.Value)));
    }

    private static Step Ask(ProxyNode node, FlowRow row, Packet ask) => row.Place switch
    {
        ClientPlace.LocalPod => node.Ingress(ask, node.Pods),
        ClientPlace.Elsewhere => node.Ingress(ask, node.Uplink),
        ClientPlace.Node when IsNodes(row.Destination.Address) => node.Ingress(ask, ProxyNode.Loopback),
        ClientPlace.Node => node.Egress(ask, node.Uplink, cameBy: 0),
        _ => throw new ArgumentOutOfRangeException(nameof(row)),
    };

    /// <summary>The rest of the flow's life. Returns whether the backend saw an address of the node.</summary>
    private static bool Finish(ProxyNode node, FlowCase flows, FlowRow row, Packet ask, Step asked)
    {
        string client = asked.Frame.From.ToString();
        string backend = asked.Frame.To.ToString();
        string frontend = row.Destination.ToString();
        uint outside = asked.Frame.To.Address.ToString().Contains("180.0.", StringComparison.Ordinal) ? node.Pods : node.Uplink;
        if (row.Place == ClientPlace.Node && !IsNodes(row.Destination.Address))
        {
            return FinishOwn(node, flows, row, ask, asked);
        }

        uint inside = row.Place switch
        {
            ClientPlace.LocalPod => node.Pods,
            ClientPlace.Node => ProxyNode.Loopback,
            _ => node.Uplink,
        };
        asked.GoesOnAs(Flow.First(row.Protocol, client, backend)).Counts(Reason.ConnectionOpened);
        var forwarded = node.Egress(asked.Bytes, outside, cameBy: inside);
        string source = forwarded.Frame.From.ToString();
        forwarded.GoesOnAs(Flow.First(row.Protocol, source, backend)).Counts();
        bool isMasqueraded = IsSource(forwarded.Frame.From, row.Protocol, outside == node.Pods);
        Assert.True(isMasqueraded || source == client, $"{row.Text}: {source}");

        var returned = node.Ingress(Flow.Reply(row.Protocol, backend, source), outside)
            .GoesOnAs(Flow.Reply(row.Protocol, backend, client)).Counts();
        node.Egress(returned.Bytes, inside, cameBy: outside)
            .GoesOnAs(Flow.Reply(row.Protocol, frontend, Flow.End(row.Client, ask.SourcePort))).Counts();
        return isMasqueraded;
    }

    /// <summary>A flow of the node itself is changed at both ends where it leaves. Its address is the node's either way.</summary>
    private static bool FinishOwn(ProxyNode node, FlowCase flows, FlowRow row, Packet ask, Step asked)
    {
        string source = asked.Frame.From.ToString();
        string backend = asked.Frame.To.ToString();
        asked.IsSentAs(Flow.First(row.Protocol, source, backend)).Counts(Reason.ConnectionOpened);
        Assert.True(IsSource(asked.Frame.From, row.Protocol, isPods: false), asked.ToString());

        node.Ingress(Flow.Reply(row.Protocol, backend, source), node.Uplink)
            .GoesOnAs(Flow.Reply(row.Protocol, row.Destination.ToString(), Flow.End(row.Client, ask.SourcePort))).Counts();
        return flows.Rules.TellsLocalPodsOf(row.Client.Family) || row.IsMasqueraded;
    }

    private static bool IsSource(IPEndPoint source, Protocol protocol, bool isPods) =>
        source.Address.ToString() is var address
        && (isPods ? address is "10.180.255.1" or "fd00:10:180::ff:1" : address is "192.168.0.2" or "2001:db8::1")
        && (protocol == Protocol.Sctp || source.Port is >= 20000 and < 21000);

    private static bool IsNodes(IPAddress address) => address.ToString() is "192.168.0.2" or "2001:db8::1";
}
