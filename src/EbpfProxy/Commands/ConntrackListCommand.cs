using System.CommandLine;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`conntrack list`: the connections that the packet path translates.</summary>
internal static class ConntrackListCommand
{
    private const string Help =
        """
        List the connections that are translated in tc (those of sockets on this node are not: they go straight to a backend)

        SEEN AS  whom the backend sees, where that is an address of the node
        STATE    opening      the client has not gone on after an answer
                 open         both sides took part
                 half-closed  one side closed
                 closed       both closed, or one reset it; it stays for two minutes, after a reset for ten seconds, unless its
                              place is wanted
        IDLE     how long no packet was seen; one whose time is over stays for some ten seconds
        with -o wide
        SENT     bytes to the backend, from the IP header on; RECEIVED from it
        ID       the connection's place in the maps

        ebpf-proxy conntrack list
        ebpf-proxy conntrack list default/web --watch
        ebpf-proxy conntrack list -o json | jq 'map(select(.state == "opening")) | length'
        """;

    internal static IReadOnlyList<Column<ConnectionRow>> Columns { get; } =
    [
        new("SERVICE", row => row.Service?.ToString() ?? "-") { Least = 14 },
        new("PROTOCOL", row => Words.Of(row.Protocol), ColumnUse.IfRoom),
        AddressColumn.Of<ConnectionRow>("CLIENT", row => Words.Of(row.Client)),
        AddressColumn.Of<ConnectionRow>("FRONTEND", row => Words.Of(row.Frontend)),
        AddressColumn.Of<ConnectionRow>("BACKEND", row => Words.Of(row.Backend)),
        AddressColumn.Of<ConnectionRow>("SEEN AS", row => row.Source is { } source ? Words.Of(source) : "-", ColumnUse.IfRoom),
        new("STATE", row => Words.Of(row.State), ColumnUse.IfRoom),
        new("IDLE", row => StatusText.Age(row.Idle), ColumnUse.Clock),
        new("SENT", row => Words.OfBytes(row.BytesSent), ColumnUse.Wide),
        new("RECEIVED", row => Words.OfBytes(row.BytesReceived), ColumnUse.Wide),
        new("ID", row => $"{row.Id}", ColumnUse.Wide),
    ];

    public static Command Create() => new ListCommand<ConnectionRow, ConnectionJson>("list", Help)
    {
        Columns = Columns,
        Key = row => $"{row.Id} {row.Protocol} {Words.Of(row.Client)} {Words.Of(row.Frontend)}",
        ToJson = ConnectionJson.From,
        ListType = ListJsonContext.Readable.IReadOnlyListConnectionJson,
        RowType = ListJsonContext.Readable.ConnectionJson,
    }.CreateByService((bpfFileSystem, wanted, _) => ConnectionView.Read(bpfFileSystem)
        .Where(row => ServiceFilter.IsWanted(wanted, row.Service))
        .OrderBy(row => row.Service?.ToString(), StringComparer.Ordinal)
        .ThenBy(row => row.Idle));
}
