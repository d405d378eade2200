using System.Collections.Immutable;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// Compares the backends that a service has with those that it shall have; both are in the order of address and port.
/// Keeps its lists from one run to the next.
/// </summary>
internal sealed class BackendMerge
{
    private readonly List<uint> _selected = [];

    public List<Backend> Added { get; } = [];

    public List<(uint Id, BackendUse Now, BackendUse Then)> Changed { get; } = [];

    public List<uint> Removed { get; } = [];

    public static int Compare(in BackendValue a, in BackendValue b)
    {
        int order = a.Address.ToAddress().CompareTo(b.Address.ToAddress());
        return order != 0 ? order : a.Port.CompareTo(b.Port);
    }

    /// <summary>Adds what is missing to the store and returns the ids of all desired backends, in their order.</summary>
    public uint[] Run(BackendStore store, ServiceRecord record, PortTables desired)
    {
        Added.Clear();
        Changed.Clear();
        Removed.Clear();
        uint[] current = record.Backends;
        uint[] ids = new uint[desired.Backends.Length];
        int at = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            var wanted = desired.Backends[i];
            int order = 1;
            while (at < current.Length && (order = Compare(store[current[at]], wanted)) < 0)
            {
                Removed.Add(current[at++]);
            }

            if (at < current.Length && order == 0)
            {
                ids[i] = Keep(store, current[at++], wanted.Use);
            }
            else
            {
                ids[i] = store.Add(wanted, desired.Key.Protocol, record.Id);
                Added.Add(wanted);
            }
        }

        Removed.AddRange(current.AsSpan(at));
        return ids;
    }

    /// <summary>The ids of those backends that have <paramref name="use"/>; good until the next call.</summary>
    public ReadOnlySpan<uint> Select(ImmutableArray<Backend> backends, ReadOnlySpan<uint> ids, BackendUse use)
    {
        _selected.Clear();
        for (int i = 0; i < ids.Length; i++)
        {
            if ((backends[i].Use & use) != 0)
            {
                _selected.Add(ids[i]);
            }
        }

        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_selected);
    }

    private static int Compare(in BackendValue current, in Backend wanted)
    {
        int order = current.Address.ToAddress().CompareTo(wanted.Address);
        return order != 0 ? order : current.Port.CompareTo(wanted.Port);
    }

    private uint Keep(BackendStore store, uint id, BackendUse use)
    {
        var now = store[id].State.Use;
        if (now != use)
        {
            Changed.Add((id, now, use));
        }

        return id;
    }
}
