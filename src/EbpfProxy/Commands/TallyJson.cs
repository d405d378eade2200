using EbpfProxy.Datapath.View;

namespace EbpfProxy.Commands;

/// <summary>What a service did, in JSON.</summary>
internal sealed record TallyJson(ulong Opened, ulong Open, ulong BytesSent, ulong BytesReceived, RefusalsJson Refusals)
{
    public static TallyJson From(ServiceTally tally) =>
        new(tally.Opened, tally.Open, tally.BytesSent, tally.BytesReceived, RefusalsJson.From(tally.Refusals));
}

/// <summary>What of a service was refused or dropped, in JSON.</summary>
internal sealed record RefusalsJson(ulong NoEndpoint, ulong NoLocalEndpoint, ulong SourceDenied, ulong NoRoom)
{
    public static RefusalsJson From(ServiceRefusals refusals) =>
        new(refusals.NoEndpoint, refusals.NoLocalEndpoint, refusals.SourceDenied, refusals.NoRoom);
}
