using EbpfProxy.Datapath.View;

namespace EbpfProxy.Output;

/// <summary>What a service did, in JSON.</summary>
/// <param name="Opened">Connections that got a backend.</param>
/// <param name="Open">Those that are not over.</param>
/// <param name="BytesSent">To backends; null where nothing of it is measured.</param>
/// <param name="BytesReceived">From backends; null where nothing of it is measured.</param>
/// <param name="SocketBytes">Whether the bytes of its sockets are among those, else only those in packets.</param>
/// <param name="Refusals">What was refused or dropped, by the names of the reasons, which metrics and events have, too.</param>
internal sealed record TallyJson(
    ulong Opened, ulong Open, ulong? BytesSent, ulong? BytesReceived, bool SocketBytes, IReadOnlyDictionary<string, ulong> Refusals)
{
    public static TallyJson From(ServiceTally tally) => new(
        tally.Opened,
        tally.Open,
        tally.HasBytes ? tally.BytesSent : null,
        tally.HasBytes ? tally.BytesReceived : null,
        tally.CountsSocketBytes,
        Words.CountsOf(tally.Refusals).ToDictionary(part => part.Reason, part => part.Count));
}
