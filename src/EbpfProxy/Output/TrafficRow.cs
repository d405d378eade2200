using EbpfProxy.Datapath.View;

namespace EbpfProxy.Output;

/// <summary>What a service did between two looks, and has now.</summary>
/// <param name="Tally">Its tally at the second look.</param>
/// <param name="Connections">Connections that it opened, a second.</param>
/// <param name="Sent">Bytes to its backends, a second; null where none were counted and not all are.</param>
/// <param name="Received">Bytes from them, a second; null as before.</param>
/// <param name="Refused">What was refused or dropped, a second.</param>
internal sealed record TrafficRow(ServiceTally Tally, double Connections, double? Sent, double? Received, double Refused)
{
    /// <summary>What happened between two looks; a service that was not there at the first one began in between.</summary>
    public static IReadOnlyList<TrafficRow> Between(IReadOnlyList<ServiceTally> before, IReadOnlyList<ServiceTally> now, TimeSpan time)
    {
        var known = before.ToDictionary(tally => (tally.ServiceId, tally.Service));
        return
        [
            .. now.Select(tally =>
            {
                var old = known.GetValueOrDefault((tally.ServiceId, tally.Service));
                var (sent, received) = (Rate(old?.BytesSent, tally.BytesSent), Rate(old?.BytesReceived, tally.BytesReceived));
                bool hasBytes = tally.CountsSocketBytes || sent + received > 0;
                return new TrafficRow(
                    tally,
                    Rate(old?.Opened, tally.Opened),
                    hasBytes ? sent : null,
                    hasBytes ? received : null,
                    Rate(old?.Refusals.Sum, tally.Refusals.Sum));
            }),
        ];

        // A connection that ended between two reads of one look may lack its bytes there, and makes no rate.
        double Rate(ulong? from, ulong to) => to > (from ?? 0) ? (to - (from ?? 0)) / time.TotalSeconds : 0;
    }
}

/// <summary>The same, in JSON.</summary>
internal sealed record TrafficJson(
    string Namespace,
    string Service,
    string PortName,
    string Protocol,
    string Family,
    double ConnectionsPerSecond,
    double? BytesSentPerSecond,
    double? BytesReceivedPerSecond,
    double RefusalsPerSecond,
    TallyJson SoFar)
{
    public static TrafficJson From(TrafficRow row) => new(
        row.Tally.Service.Service.Namespace,
        row.Tally.Service.Service.Name,
        row.Tally.Service.PortName,
        Words.Of(row.Tally.Service.Protocol),
        row.Tally.Service.Family.ToString(),
        Math.Round(row.Connections, 2),
        row.Sent is { } sent ? Math.Round(sent, 1) : null,
        row.Received is { } received ? Math.Round(received, 1) : null,
        Math.Round(row.Refused, 2),
        TallyJson.From(row.Tally));
}
