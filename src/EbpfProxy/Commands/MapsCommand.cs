using System.CommandLine;
using EbpfProxy.Datapath.View;
using EbpfProxy.Output;

namespace EbpfProxy.Commands;

/// <summary>`maps`: how full the tables in the kernel are.</summary>
internal static class MapsCommand
{
    private const string Help =
        """
        List the maps: how full they are, and what happens when they are

        MAP  the name of its pin below <bpffs>/ebpf-proxy: bpftool map dump pinned <bpffs>/ebpf-proxy/tables-v1/<map>

        ebpf-proxy maps
        ebpf-proxy maps --watch
        """;

    internal static IReadOnlyList<Column<TableFill>> Columns { get; } =
    [
        new("MAP", fill => fill.Table),
        new("IN USE", fill => $"{fill.InUse}"),
        new("CAPACITY", fill => $"{fill.Capacity}"),
        new("FILL", fill => $"{100 * fill.InUse / Math.Max(1, fill.Capacity)}%"),
        new("WHEN FULL", fill => Words.WhenFull(fill.Table)) { Wraps = true },
    ];

    public static Command Create() => new ListCommand<TableFill, MapJson>("maps", Help)
    {
        Columns = Columns,
        Key = fill => fill.Table,
        ToJson = MapJson.From,
        ListType = ListJsonContext.Readable.IReadOnlyListMapJson,
        RowType = ListJsonContext.Readable.MapJson,
    }.Create((bpfFileSystem, _) => Read(bpfFileSystem));

    private static IReadOnlyList<TableFill> Read(string bpfFileSystem) => TableFills.Read(bpfFileSystem) is { Count: > 0 } fills
        ? fills
        : throw new IOException($"no maps of ebpf-proxy below {bpfFileSystem}: is it running on this node, with this --bpffs?");
}
