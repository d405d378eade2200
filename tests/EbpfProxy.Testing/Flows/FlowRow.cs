using System.Globalization;
using System.Net;
using EbpfProxy.Model.Flows;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Testing.Flows;

/// <summary>What becomes of the first packet of a flow.</summary>
internal enum FlowOutcome
{
    Translated,
    Refused,
    Dropped,
    Untouched,
}

/// <summary>One line of a flow table: who asks what, and what that gives.</summary>
/// <param name="Text">The line.</param>
/// <param name="Place">Where the client is.</param>
/// <param name="Client">The client's address.</param>
/// <param name="Destination">What it asks.</param>
/// <param name="Protocol">With which protocol.</param>
/// <param name="Outcome">What it gets.</param>
/// <param name="Backends">Where it is translated: the backends it can get, each of them, sorted by their text.</param>
/// <param name="IsMasqueraded">Where it is translated: whether the backend sees an address of the node.</param>
internal sealed record FlowRow(
    string Text,
    ClientPlace Place,
    Address Client,
    IPEndPoint Destination,
    Protocol Protocol,
    FlowOutcome Outcome,
    IReadOnlyList<string> Backends,
    bool IsMasqueraded)
{
    /// <summary>Reads <c>pod 10.0.0.2 > 172.30.0.41:80/udp 10.0.0.1:80 10.0.0.3:80 masqueraded</c>.</summary>
    public static FlowRow Parse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 5 || words[2] != ">")
        {
            throw new FormatException($"not a row: {line}");
        }

        string[] asked = words[3].Split('/');
        var protocol = asked.Length == 1 ? Protocol.Tcp : FlowCase.ParseProtocol(asked[1]);
        var outcome = words[4] switch
        {
            "refused" => FlowOutcome.Refused,
            "dropped" => FlowOutcome.Dropped,
            "untouched" => FlowOutcome.Untouched,
            _ => FlowOutcome.Translated,
        };
        bool isMasqueraded = words[^1] == "masqueraded";
        string[] backends = outcome == FlowOutcome.Translated ? words[4..(isMasqueraded ? ^1 : ^0)] : [];
        return new FlowRow(
            string.Join(' ', words),
            words[0] switch
            {
                "pod" => ClientPlace.LocalPod,
                "node" => ClientPlace.Node,
                "outside" => ClientPlace.Elsewhere,
                _ => throw new FormatException(line),
            },
            FlowCase.ParseAddress(words[1]),
            IPEndPoint.Parse(asked[0]),
            protocol,
            outcome,
            [.. backends.Select(IPEndPoint.Parse).Select(backend => backend.ToString()).Order(StringComparer.Ordinal)],
            isMasqueraded);
    }

    /// <summary>What an executor answers, in the words of the table.</summary>
    public static string Describe(FlowOutcome outcome, IEnumerable<(string Backend, bool IsMasqueraded)> backends) =>
        outcome == FlowOutcome.Translated
            ? string.Join(' ', backends.Select(each => each.Backend + (each.IsMasqueraded ? " masqueraded" : "")).Order(StringComparer.Ordinal))
            : outcome.ToString().ToLower(CultureInfo.InvariantCulture);

    public string Expected => Describe(Outcome, Backends.Select(backend => (backend, IsMasqueraded)));
}
