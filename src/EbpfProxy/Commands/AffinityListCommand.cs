using System.CommandLine;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`affinity list`: the clients that services with session affinity remember.</summary>
internal static class AffinityListCommand
{
    private const string Help =
        """
        List the clients that services with session affinity remember

        CLIENT    its address before anything masquerades it
        BACKEND   what its next connection gets
        LEFT      how long it is remembered if it does not come again
        with -o wide
        PROTOCOL  of the service

        ebpf-proxy affinity list
        ebpf-proxy affinity list default/web -o json
        """;

    internal static IReadOnlyList<Column<AffinityRow>> Columns { get; } =
    [
        new("SERVICE", row => row.Service.ToString()),
        new("PROTOCOL", row => Words.Of(row.Service.Protocol), ColumnUse.Wide),
        new("CLIENT", row => row.Client.ToString()),
        AddressColumn.Of<AffinityRow>("BACKEND", row => Words.Of(row.Backend)),
        new("LEFT", row => StatusText.Age(row.Left), ColumnUse.Clock),
    ];

    public static Command Create() => new ListCommand<AffinityRow, AffinityJson>("list", Help)
    {
        Columns = Columns,
        Key = row => $"{row.Service} {row.Service.Protocol} {row.Client}",
        ToJson = AffinityJson.From,
        ListType = ListJsonContext.Readable.IReadOnlyListAffinityJson,
        RowType = ListJsonContext.Readable.AffinityJson,
    }.CreateByService((bpfFileSystem, wanted, _) => AffinityView.Read(bpfFileSystem)
        .Where(row => ServiceFilter.IsWanted(wanted, row.Service))
        .OrderBy(row => row.Service.ToString(), StringComparer.Ordinal)
        .ThenBy(row => row.Client));
}
