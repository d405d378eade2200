using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>Makes tables as large as a complete change wants them, all at once, with room for the changes after it.</summary>
internal static class TableRoom
{
    public static void Make(IReadOnlyCollection<ServiceChange> changes, TableSet tables, AddressBook addresses, SetStore endpointSets)
    {
        uint services = 0;
        uint backends = 0;
        uint sets = 0;
        uint frontends = 0;
        uint ranges = 0;
        foreach (var port in changes.SelectMany(change => change.Tables?.Ports ?? []))
        {
            services++;
            backends += (uint)port.Backends.Length;
            frontends += (uint)port.Frontends.Length;
            ranges += (uint)port.SourceRanges.Length;
            foreach (var backend in port.Backends)
            {
                sets += backend.Use.HasFlag(BackendUse.InClusterSet) ? 1u : 0;
                sets += backend.Use.HasFlag(BackendUse.InLocalSet) ? 1u : 0;
            }
        }

        Together.Run(
            () => Wish(tables.Names.EnsureCapacity, services),
            () => Wish(tables.Tallies.EnsureCapacity, services),
            () => Wish(tables.Services.EnsureCapacity, services),
            () => Wish(tables.Backends.EnsureCapacity, backends),
            () => Wish(tables.Frontends.EnsureCapacity, frontends),
            () => Wish(tables.Ranges.EnsureCapacity, ranges),
            () => Wish(addresses.EnsureCapacity, frontends + backends),
            () => Wish(endpointSets.Reserve, sets));
    }

    private static void Wish(Action<uint> ensureCapacity, uint count)
    {
        foreach (uint room in new[] { count + (count / 8) + 8, count })
        {
            try
            {
                ensureCapacity(room);
                return;
            }
            catch (IOException)
            {
                // What is written asks for its own place: for want of more no service shall wait.
            }
        }
    }
}
