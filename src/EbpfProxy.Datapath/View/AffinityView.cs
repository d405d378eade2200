using System.Diagnostics;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>A client that a service remembers.</summary>
/// <param name="Service">The service.</param>
/// <param name="Client">The client, as it was before anything masqueraded it.</param>
/// <param name="Backend">What it gets next time.</param>
/// <param name="Left">How long it is remembered if it does not come again.</param>
public sealed record AffinityRow(ServiceKey Service, Address Client, AddressPort Backend, TimeSpan Left);

/// <summary>Reads what services with session affinity remember from the pinned maps; needs no daemon, and changes nothing.</summary>
public static class AffinityView
{
    /// <summary>Those that still count: a client whose time is over, or whose backend left, is not among them.</summary>
    /// <exception cref="IOException">There are no tables below <paramref name="bpfFileSystem"/>.</exception>
    public static IReadOnlyList<AffinityRow> Read(string bpfFileSystem)
    {
        string folder = DatapathView.FolderOf(bpfFileSystem);
        var names = ServiceNames.Read(folder);
        using var serviceMap = BpfMap.OpenPinned(Path.Combine(folder, TableNames.Services));
        using var services = new BpfArrayMap<ServiceValue>(serviceMap).MemoryMap();
        using var backendMap = BpfMap.OpenPinned(Path.Combine(folder, TableNames.Backends));
        using var backends = new BpfArrayMap<BackendValue>(backendMap).MemoryMap();
        using var affinity = BpfMap.OpenPinned(Path.Combine(folder, TableNames.Affinity));
        var now = Stopwatch.GetElapsedTime(0);
        List<AffinityRow> rows = [];
        foreach (var (key, value) in new BpfHashMap<AffinityKey, AffinityValue>(affinity).Enumerate())
        {
            if (!names.TryGetValue(key.Service, out var service) || key.Service >= services.Length || value.BackendId >= backends.Length)
            {
                continue;
            }

            var backend = backends[(int)value.BackendId];
            var end = TimeSpan.FromMicroseconds(value.LastConnectionNs / 1000.0) + TimeSpan.FromSeconds(services[(int)key.Service].AffinitySeconds);
            bool isThere = backend.State.Generation == value.BackendGeneration && backend.State.Use != BackendUse.None;
            if (isThere && end > now)
            {
                rows.Add(new AffinityRow(service, key.Client.ToAddress(), new AddressPort(backend.Address.ToAddress(), backend.Port), end - now));
            }
        }

        return rows;
    }
}
