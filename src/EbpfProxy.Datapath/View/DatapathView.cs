using System.Collections.Immutable;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>A service as the maps hold it.</summary>
/// <param name="Id">Its id in the tables.</param>
/// <param name="Key">Its name, port, protocol and family.</param>
/// <param name="Frontends">What clients can ask: a frontend counts from when its address is in the tables as well.</param>
/// <param name="Verdicts">What each class of traffic gets.</param>
/// <param name="ClusterBackends">How many backends internal traffic can get, if it gets any.</param>
/// <param name="AffinitySeconds">0 without session affinity.</param>
/// <param name="SourceRanges">Who may use its load-balancer addresses; empty for everyone.</param>
/// <param name="LeftToStack">Those of its cluster IPs that a device of the node holds: nothing is translated there while it does.</param>
/// <param name="Backends">All its backends, in the order of their addresses.</param>
public sealed record ServiceRow(
    uint Id,
    ServiceKey Key,
    ImmutableArray<Frontend> Frontends,
    TrafficVerdicts Verdicts,
    int ClusterBackends,
    uint AffinitySeconds,
    ImmutableArray<Prefix> SourceRanges,
    ImmutableArray<Address> LeftToStack,
    ImmutableArray<BackendRow> Backends);

/// <summary>A backend as the maps hold it.</summary>
public sealed record BackendRow(uint Id, Address Address, ushort Port, BackendUse Use);

/// <summary>Reads the pinned maps; needs no daemon, and changes nothing.</summary>
public static class DatapathView
{
    /// <summary>All services, by name.</summary>
    /// <exception cref="IOException">There are no maps below <paramref name="bpfFileSystem"/>.</exception>
    public static IReadOnlyList<ServiceRow> ReadServices(string bpfFileSystem)
    {
        string folder = FolderOf(bpfFileSystem);
        var backends = ReadBackends(folder).ToLookup(row => row.Service, row => row.Row);
        var roles = ReadRoles(folder);
        var frontends = ReadFrontends(folder)
            .Where(row => row.Frontend.Kind == FrontendKind.NodePort || roles.ContainsKey(row.Frontend.Address))
            .ToLookup(row => row.Service, row => row.Frontend);
        const AddressRole leftToStackRoles = AddressRole.ClusterIP | AddressRole.OnDevice;
        var leftToStack = roles.Where(row => (row.Value & leftToStackRoles) == leftToStackRoles).Select(row => row.Key).ToHashSet();
        var ranges = ReadRanges(folder);
        using var names = new BpfArrayMap<ServiceName>(Open(folder, TableNames.Names)).MemoryMap();
        using var services = new BpfArrayMap<ServiceValue>(Open(folder, TableNames.Services)).MemoryMap();
        var rows = new List<ServiceRow>();
        for (int id = 0; id < Math.Min(names.Length, services.Length); id++)
        {
            if (names[id].Family != 0)
            {
                rows.Add(ToRow((uint)id, names[id].ToKey(), services[id], frontends[(uint)id], ranges[(uint)id], leftToStack, backends[(uint)id]));
            }
        }

        return [.. rows.OrderBy(row => row.Key.Service).ThenBy(row => row.Key.PortName, StringComparer.Ordinal).ThenBy(row => row.Key.Family)];
    }

    /// <summary>What every address that is known is to this node.</summary>
    /// <exception cref="IOException">There are no maps below <paramref name="bpfFileSystem"/>.</exception>
    public static IReadOnlyDictionary<Address, AddressRole> ReadAddresses(string bpfFileSystem) => ReadAllRoles(FolderOf(bpfFileSystem));

    /// <summary>The folder of the tables that are in use.</summary>
    /// <exception cref="IOException">There is none.</exception>
    internal static string FolderOf(string bpfFileSystem) => PinLayout.FindTables(DatapathOptions.PinRootOf(bpfFileSystem))
        ?? throw new IOException($"no tables of ebpf-proxy below {bpfFileSystem}: is it running on this node, with this --bpffs?");

    private static ServiceRow ToRow(
        uint id,
        ServiceKey key,
        in ServiceValue service,
        IEnumerable<Frontend> frontends,
        IEnumerable<Prefix> ranges,
        HashSet<Address> leftToStack,
        IEnumerable<BackendRow> backends) => new(
        id,
        key,
        [.. frontends.OrderBy(frontend => frontend.Kind).ThenBy(frontend => frontend.Address)],
        service.Verdicts,
        service.Internal.Count,
        service.AffinitySeconds,
        [.. ranges.OrderBy(range => range.Address).ThenBy(range => range.Length)],
        [.. frontends.Where(frontend => frontend.Kind == FrontendKind.ClusterIP).Select(frontend => frontend.Address).Where(leftToStack.Contains)],
        [.. backends.OrderBy(backend => backend.Address).ThenBy(backend => backend.Port)]);

    private static IEnumerable<(uint Service, BackendRow Row)> ReadBackends(string folder)
    {
        using var table = new BpfArrayMap<BackendValue>(Open(folder, TableNames.Backends)).MemoryMap();
        for (int id = 0; id < table.Length; id++)
        {
            var backend = table[id];
            if (backend.State.Use != BackendUse.None)
            {
                yield return (backend.Service, new BackendRow((uint)id, backend.Address.ToAddress(), backend.Port, backend.State.Use));
            }
        }
    }

    private static IEnumerable<(uint Service, Frontend Frontend)> ReadFrontends(string folder)
    {
        using var map = Open(folder, TableNames.Frontends);
        foreach (var (key, value) in new BpfHashMap<FrontendKey, FrontendValue>(map).Enumerate())
        {
            yield return (value.Service, value.ToFrontend(key));
        }
    }

    private static ILookup<uint, Prefix> ReadRanges(string folder)
    {
        using var map = Open(folder, TableNames.Ranges);
        return new BpfHashMap<SourceRangeKey, SourceRange>(map).Enumerate().ToLookup(row => row.Key.Service, row => row.Key.ToPrefix());
    }

    /// <summary>The addresses that lead to a service.</summary>
    private static Dictionary<Address, AddressRole> ReadRoles(string folder) => ReadAllRoles(folder)
        .Where(row => (row.Value & (AddressRole.ClusterIP | AddressRole.External)) != AddressRole.None)
        .ToDictionary();

    private static Dictionary<Address, AddressRole> ReadAllRoles(string folder)
    {
        using var map = Open(folder, TableNames.Addresses);
        return new BpfHashMap<AddressKey, AddressInfo>(map).Enumerate().ToDictionary(row => row.Key.ToAddress(), row => (AddressRole)row.Value.Roles);
    }

    private static BpfMap Open(string folder, string table) => BpfMap.OpenPinned(Path.Combine(folder, table));
}
