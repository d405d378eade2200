using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Sync;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>How full a table is.</summary>
/// <param name="Table">Its name, which is that of its pin.</param>
/// <param name="InUse">How many entries it has.</param>
/// <param name="Capacity">How many it has room for. All but the connections are made larger before they are full.</param>
public sealed record TableFill(string Table, long InUse, long Capacity);

/// <summary>Counts what is in the pinned maps; needs no daemon, and changes nothing.</summary>
public static class TableFills
{
    /// <summary>The table that is the largest by far.</summary>
    public static string Connections => TableNames.Connections;

    /// <summary>The tables that are there.</summary>
    public static IReadOnlyList<TableFill> Read(string bpfFileSystem)
    {
        var connections = Count(
            PinLayout.FindConnections(DatapathOptions.PinRootOf(bpfFileSystem)),
            TableNames.Connections,
            map => CountItems<ConnectionValue>(map, one => one.Protocol != 0));
        return [.. ReadOthers(bpfFileSystem), .. connections is null ? [] : (TableFill[])[connections]];
    }

    /// <summary>The same without the connections.</summary>
    public static IReadOnlyList<TableFill> ReadOthers(string bpfFileSystem)
    {
        string root = DatapathOptions.PinRootOf(bpfFileSystem);
        string? tables = PinLayout.FindTables(root);
        TableFill?[] fills =
        [
            Count(tables, TableNames.Addresses, CountRows<AddressKey, AddressInfo>),
            Count(tables, TableNames.Frontends, CountRows<FrontendKey, FrontendValue>),
            // What services there are stands in their names.
            Count(tables, TableNames.Names, map => CountItems<ServiceName>(map, name => name.Family != 0)) is { } names
                ? names with { Table = TableNames.Services }
                : null,
            Count(tables, TableNames.Sets, _ => CountPlaces(tables!)),
            Count(tables, TableNames.Backends, map => CountItems<BackendValue>(map, backend => backend.State.Use != BackendUse.None)),
            Count(tables, TableNames.Ranges, CountRows<SourceRangeKey, SourceRange>),
            Count(tables, TableNames.Clients, CountRows<ulong, ClientValue>),
            Count(tables, TableNames.Affinity, CountRows<AffinityKey, AffinityValue>),
            Count(tables, TableNames.Devices, CountRows<uint, DeviceValue>),
            Count(PinLayout.FindSockets(root), TableNames.Peers, CountRows<PeerKey, PeerValue>),
        ];
        return [.. fills.OfType<TableFill>()];
    }

    private static TableFill? Count(string? folder, string table, Func<BpfMap, long> count)
    {
        using var map = folder is null ? null : BpfMap.TryOpenPinned(Path.Combine(folder, table));
        return map is null ? null : new TableFill(table, count(map), map.MaxEntries);
    }

    private static long CountRows<TKey, TValue>(BpfMap map)
        where TKey : unmanaged
        where TValue : unmanaged => new BpfHashMap<TKey, TValue>(map).Enumerate().LongCount();

    private static long CountItems<TValue>(BpfMap map, Func<TValue, bool> isInUse)
        where TValue : unmanaged
    {
        using var items = new BpfArrayMap<TValue>(map).MemoryMap();
        long count = 0;
        for (int i = 0; i < items.Length; i++)
        {
            count += isInUse(items[i]) ? 1 : 0;
        }

        return count;
    }

    /// <summary>The places of the sets that the services' words name.</summary>
    private static long CountPlaces(string folder)
    {
        using var map = BpfMap.OpenPinned(Path.Combine(folder, TableNames.Services));
        using var services = new BpfArrayMap<ServiceValue>(map).MemoryMap();
        long count = 0;
        for (int id = 0; id < services.Length; id++)
        {
            var service = services[id];
            var extents = new SetExtents();
            extents.Add(service.Internal);
            extents.Add(service.External);
            extents.Add(service.ExternalNear);
            for (int i = 0; i < extents.Count; i++)
            {
                count += extents[i].Length;
            }
        }

        return count;
    }
}
