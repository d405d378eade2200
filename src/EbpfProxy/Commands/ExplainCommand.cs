using System.CommandLine;
using System.CommandLine.Parsing;
using EbpfProxy.Daemon;
using EbpfProxy.Datapath.KubeProxy;
using EbpfProxy.Datapath.View;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`explain FROM TO:PORT`: what a client gets that asks, and why.</summary>
internal static class ExplainCommand
{
    private const string Help =
        """
        Say what a client gets that asks an address of a service, and why: by the rules and the maps that traffic goes by

        ebpf-proxy explain 10.244.1.7 10.96.0.10:53/udp
        ebpf-proxy explain 198.51.100.7 192.168.0.11:30080

        The client is the node itself if the node has its address, a pod of this node if that is how pods are told (by
        --cluster-cidr or the Node's podCIDRs), and outside otherwise; --as says it where that is not so. Flows that are
        open stay with their backend whatever this says: see `conntrack list`. With session affinity the client's last
        backend comes first: see `affinity list`. Not told are endpoints that do not serve, which are in no map, whether
        there is room for one more connection (`maps`), and whether the packets come by a device that has the programs
        (`status -o wide`). Exit code 0 whatever the client gets: with -o json see `result`.
        """;

    public static Command Create()
    {
        var output = OutputOption.Create();
        var from = new Argument<Address>("from") { Description = "The client's address", CustomParser = ParseAddress };
        var to = new Argument<Asked>("to") { Description = "What it asks: address:port, [address]:port, and /udp or /sctp", CustomParser = ParseAsked };
        var place = new Option<string>("--as") { Description = "Where the client is: pod (of this node), node or outside", HelpName = "place" };
        place.AcceptOnlyFromAmong("pod", "node", "outside");
        var command = new DocumentedCommand("explain", Help) { from, to, place, output, Cli.BpfFileSystem };
        command.SetAction(result =>
        {
            string bpfFileSystem = result.GetRequiredValue(Cli.BpfFileSystem);
            var addresses = DatapathView.ReadAddresses(bpfFileSystem);
            var note = DaemonNote.Parse(DaemonNotes.Read(bpfFileSystem))
                ?? throw new IOException("no daemon of this version has run here: what it was told of pods is not known");
            var (client, asked) = (result.GetRequiredValue(from), result.GetRequiredValue(to));
            var flow = new ExplainedFlow(client, PlaceOf(result.GetValue(place), client, addresses, note), asked.Address, asked.Port, asked.Protocol);
            var rules = new MasqueradeRules(note.TellsPodsOf(IpFamily.IPv4), note.TellsPodsOf(IpFamily.IPv6), note.MasqueradesAll);
            var explanation = new FlowExplainer(
                DatapathView.ReadServices(bpfFileSystem),
                addresses,
                rules,
                note.PreservesClient,
                DaemonNote.Find(note.ServicePrefixes, asked.Address),
                note.LoopbackNodePorts).Explain(flow);
            bool isHandedBack = !DatapathState.IsRunning(bpfFileSystem) && Handback.IsDone(bpfFileSystem);
            var writer = result.InvocationConfiguration.Output;
            if (!OutputOption.TryWrite(
                writer, OutputOption.FormOf(result, output), ExplanationJson.From(flow, explanation, isHandedBack), ListJsonContext.Readable.ExplanationJson))
            {
                Write(writer, flow, explanation, isHandedBack);
            }

            return 0;
        });
        return command;
    }

    internal static void Write(TextWriter writer, ExplainedFlow flow, FlowExplanation explanation, bool isHandedBack)
    {
        void Line(string name, string text) => writer.WriteLine($"{name,-11}{text}");

        if (isHandedBack)
        {
            Line("note", "the node is handed back: what is new goes by kube-proxy's rules. This is what it would get here");
        }

        Line("from", $"{flow.Client}, {Words.Of(flow.Place)}");
        Line("to", $"{Words.Of(flow.Destination, flow.Port)} {Words.Of(flow.Protocol)}");
        if (explanation is { Service: { } service, Frontend: { } frontend })
        {
            Line("service", $"{service.Key}, by its {Words.Of(frontend.Kind)}");
            if (service.AffinitySeconds > 0)
            {
                Line("affinity", $"the backend of its last connection, within {service.AffinitySeconds} s, if that is among these");
            }
        }

        Line("result", $"{Words.Of(explanation.Fate)}: {explanation.Why}");
        foreach (var endpoint in explanation.Endpoints)
        {
            Line("", $"{Words.Of(endpoint.Backend.Address, endpoint.Backend.Port)} {Words.Of(endpoint, flow)}");
        }
    }

    /// <summary>
    /// The node is asked first: an address that a device of it holds can be in the prefix of its pods, as that of a bridge is,
    /// and who connects from there is a socket of the node.
    /// </summary>
    internal static ClientPlace PlaceOf(string? said, Address client, IReadOnlyDictionary<Address, AddressRole> addresses, DaemonNote note)
    {
        bool isOfNode = client.IsLoopback || addresses.GetValueOrDefault(client).HasFlag(AddressRole.OnDevice);
        bool isOfPod = DaemonNote.Find(note.LocalPods, client) is not null;
        return said switch
        {
            "pod" => ClientPlace.LocalPod,
            "node" => ClientPlace.Node,
            "outside" => ClientPlace.Elsewhere,
            _ => isOfNode ? ClientPlace.Node : isOfPod ? ClientPlace.LocalPod : ClientPlace.Elsewhere,
        };
    }

    private static Address ParseAddress(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (!Address.TryParse(text, out var address))
        {
            result.AddError($"from: \"{text}\" is no address");
        }

        return address;
    }

    private static Asked ParseAsked(ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (!Asked.TryParse(text, out var asked))
        {
            result.AddError($"to: \"{text}\" is not address:port, [address]:port or one of these with /tcp, /udp or /sctp");
        }

        return asked;
    }

    /// <summary>What a client asks.</summary>
    internal readonly record struct Asked(Address Address, ushort Port, Protocol Protocol)
    {
        public static bool TryParse(string text, out Asked asked)
        {
            asked = default;
            string[] parts = text.Split('/');
            var protocol = Protocol.Tcp;
            if (parts.Length > 2 || (parts.Length == 2 && !ProtocolNames.TryParse(parts[1].ToUpperInvariant(), out protocol)))
            {
                return false;
            }

            int colon = parts[0].LastIndexOf(':');
            string address = colon < 0 ? "" : parts[0][..colon];
            bool isBracketed = address.StartsWith('[') && address.EndsWith(']');
            if ((address.Contains(':') && !isBracketed)
                || !Address.TryParse(isBracketed ? address[1..^1] : address, out var parsed)
                || !ushort.TryParse(parts[0][(colon + 1)..], System.Globalization.NumberStyles.None, null, out ushort port))
            {
                return false;
            }

            asked = new Asked(parsed, port, protocol);
            return true;
        }
    }
}
