using System.Net;
using EbpfProxy.EndToEnd.Tests.Probe;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Testing.Cluster;
using EbpfProxy.Testing.Flows;
using EbpfProxy.Testing.Kernel;

namespace EbpfProxy.EndToEnd.Tests.Flows;

/// <summary>
/// The flow tables, answered by real packets: each row is asked by sockets from where its client is, through a node that runs
/// the native binary. Rows by SCTP are left to the programs under test run: this kernel need not have such sockets.
/// </summary>
public sealed class PacketFlowTests
{
    private const int VisitsPerBackend = 20;

    [KernelTheory]
    [MemberData(nameof(FlowTables.Names), MemberType = typeof(FlowTables))]
    public void Packets_answer_every_row(string name)
    {
        var flows = FlowTables.Get(name);
        using var node = new FlowNode(flows);
        List<string> expected = [];
        List<string> answers = [];

        // All sockets before all packets: flows of the one from a port that the other has just left would be taken for it.
        foreach (bool bySocket in new[] { true, false })
        {
            foreach (var row in flows.Rows.Where(row => row.Protocol != Protocol.Sctp))
            {
                if (node.PlaceOf(row, bySocket) is { } place)
                {
                    // Sockets that are translated ask the backend as themselves, and the node has its own address masked or not.
                    bool tellsMask = !bySocket && row.Place != ClientPlace.Node;
                    string who = $"{row.Text} {(bySocket ? "by socket" : "by packet")}:";
                    expected.Add($"{who} {FlowRow.Describe(row.Outcome, row.Backends.Select(backend => (backend, tellsMask && row.IsMasqueraded)))}");
                    answers.Add($"{who} {Ask(node, row, place, tellsMask)}");
                }
            }
        }

        Assert.Equal(expected, answers);
    }

    private static string Ask(FlowNode node, FlowRow row, Place place, bool tellsMask)
    {
        string wait = row.Outcome == FlowOutcome.Dropped ? "500" : "5000";
        string[] source = row.Place == ClientPlace.LocalPod ? [] : ["-s", row.Client.ToString()];
        string[] lines = place.Probe(
            [.. source, "-w", wait, "spread", row.Protocol == Protocol.Udp ? "udp" : "tcp", $"{row.Destination.Address}", $"{row.Destination.Port}", $"{VisitsPerBackend * Math.Max(1, row.Backends.Count)}"]);
        var words = lines.Select(ProbeClient.Words).ToList();
        if (words[^1].TryGetValue("errno", out string? error))
        {
            return error switch
            {
                "ECONNREFUSED" => FlowRow.Describe(FlowOutcome.Refused, []),
                "EINPROGRESS" or "EAGAIN" or "ETIMEDOUT" => FlowRow.Describe(FlowOutcome.Dropped, []),
                _ => error,
            };
        }

        var seen = words.Select(line => (Backend: ToEndPoint(line["name"], row), Client: ToAddress(line["client"]))).ToList();
        return seen.All(each => each.Backend == row.Destination.ToString())
            ? FlowRow.Describe(FlowOutcome.Untouched, [])
            : FlowRow.Describe(FlowOutcome.Translated, seen.Select(each => (each.Backend, tellsMask && IsMasqueraded(node, row, each.Client))));
    }

    private static bool IsMasqueraded(FlowNode node, FlowRow row, string client)
    {
        Assert.True(client == row.Client.ToString() || node.IsOfNode(client), $"{row.Text}: the backend saw {client}");
        return client != row.Client.ToString();
    }

    /// <summary>Servers are named by their addresses; what the node itself answers was not translated.</summary>
    private static string ToEndPoint(string name, FlowRow row)
    {
        string[] parts = name.Split('/');
        return parts[0] == "node" ? row.Destination.ToString() : new IPEndPoint(IPAddress.Parse(parts[0]), int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture)).ToString();
    }

    private static string ToAddress(string client) => client.Replace("mapped:", "", StringComparison.Ordinal).Trim('[', ']');
}
