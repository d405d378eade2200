using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>
/// The table of backends and its ids. An id that is used again gets the next generation, so that a socket or flow that
/// remembers the earlier one can tell.
/// </summary>
internal sealed class BackendStore
{
    private const int StateOffset = 24;

    private readonly IArrayTable<BackendValue> _table;
    private readonly IdAllocator _ids;
    private readonly uint _firstGeneration;

    private BackendStore(IArrayTable<BackendValue> table, IdAllocator ids, uint firstGeneration)
    {
        _table = table;
        _ids = ids;
        _firstGeneration = firstGeneration;
    }

    /// <summary>Takes over what the table holds.</summary>
    /// <param name="table">The table.</param>
    /// <param name="firstGeneration">
    /// The generation of an id that was never used. It differs from one set of tables to the next, so that what sockets
    /// remember from tables of another layout does not fit by chance.
    /// </param>
    /// <param name="byService">Receives the ids in use, by service.</param>
    public static BackendStore Adopt(IArrayTable<BackendValue> table, uint firstGeneration, Dictionary<uint, List<uint>> byService)
    {
        uint end = 0;
        for (uint id = 0; id < table.Capacity; id++)
        {
            var backend = table.Read(id);
            if (backend.State.Generation != 0)
            {
                end = id + 1;
            }

            if (backend.State.Use != BackendUse.None)
            {
                if (!byService.TryGetValue(backend.Service, out var ids))
                {
                    byService.Add(backend.Service, ids = []);
                }

                ids.Add(id);
            }
        }

        var allocator = IdAllocator.Restore(end, id => table.Read(id).State.Use != BackendUse.None);
        return new BackendStore(table, allocator, firstGeneration);
    }

    public BackendValue this[uint id] => _table.Read(id);

    public uint Add(in Backend backend, Protocol protocol, uint service)
    {
        uint id = _ids.Allocate();
        _table.EnsureCapacity(id + 1);
        uint generation = _table.Read(id).State.Generation;
        generation = generation == 0 ? _firstGeneration : Math.Max(1, generation + 1);
        var value = BackendValue.From(backend, protocol, service, generation);
        _table.Write(id, value with { State = new BackendState(generation, BackendUse.None) });
        _table.WriteWord(id, StateOffset, value.State.Bits);
        return id;
    }

    /// <summary>Says what a backend may be used for.</summary>
    public void SetUse(uint id, BackendUse use)
    {
        var state = _table.Read(id).State;
        if (state.Use != use)
        {
            _table.WriteWord(id, StateOffset, new BackendState(state.Generation, use).Bits);
        }
    }

    /// <summary>Gives back the id of a backend that no set names any more and no program can still be reading.</summary>
    public void Free(uint id)
    {
        SetUse(id, BackendUse.None);
        _ids.Release(id);
    }
}
