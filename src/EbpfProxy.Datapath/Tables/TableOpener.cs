using EbpfProxy.Datapath.Kernel;
using EbpfProxy.Datapath.Sync;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// Opens the tables of an object: those that an earlier run pinned are taken over as they are, the others are made anew.
/// A table is two maps, the one that holds its rows and the slot through which programs reach it; both are pinned. The
/// slot says which map is the table: after a crash in the middle of a growth the pin of the rows may be one behind.
/// </summary>
internal sealed class TableOpener(BpfObject bpf, PinFolder pins)
{
    private readonly List<string> _new = [];

    /// <summary>Whether any of the tables was there before.</summary>
    public bool HasAdopted { get; private set; }

    /// <summary>Before the object is loaded: decides where a table comes from.</summary>
    public void Prepare(string table, uint initialCapacity)
    {
        string slotName = TableNames.Slot(table);
        var slot = pins.TryOpenMap(slotName);

        // A table that had one slot, of a build whose programs did not write it yet, is made anew.
        if (slot is null || slot.MaxEntries != bpf.GetMap(slotName).MaxEntries)
        {
            slot?.Dispose();
            bpf.GetMap(table).MaxEntries = initialCapacity;
            _new.Add(table);
            return;
        }

        HasAdopted = true;
        bpf.GetMap(slotName).Reuse(slot);
        using var rows = OpenRows(table, new BpfMapArray(slot));
        bpf.GetMap(table).Reuse(rows);
    }

    /// <summary>
    /// After the object is loaded: puts what is new into its slot, and pins it. The slot's pin comes last and stands for the
    /// whole table.
    /// </summary>
    public void Pin()
    {
        Together.Run([.. _new.Select(table => (Action)(() => OpenSlot(table).Set(0, bpf.GetMap(table).Map)))]);
        foreach (string table in _new)
        {
            pins.Replace(table, bpf.GetMap(table).Map);
            pins.Replace(TableNames.Slot(table), bpf.GetMap(TableNames.Slot(table)).Map);
        }
    }

    public ArrayTable<TValue> OpenArray<TValue>(string table)
        where TValue : unmanaged =>
        new(table, bpf.GetMap(table).Map, OpenSlot(table), pins, TypesOf(table));

    /// <summary>The table of tallies, which the programs write too.</summary>
    public TallyTable OpenTallies() =>
        new(TableNames.Tallies, bpf.GetMap(TableNames.Tallies).Map, OpenSlot(TableNames.Tallies), pins, TypesOf(TableNames.Tallies));

    public HashTable<TKey, TValue> OpenHash<TKey, TValue>(string table, IGracePeriods gracePeriods)
        where TKey : unmanaged, IEquatable<TKey>
        where TValue : unmanaged =>
        new(table, bpf.GetMap(table).Map, OpenSlot(table), pins, TypesOf(table), gracePeriods);

    /// <summary>The table of socket peers, which the programs write.</summary>
    public PeerTable OpenPeers(ILogger logger) =>
        new(bpf.GetMap(TableNames.Peers).Map, OpenSlot(TableNames.Peers), pins, TypesOf(TableNames.Peers), TimeProvider.System, logger);

    /// <summary>The table of session affinity, which the programs write.</summary>
    public AffinityTable OpenAffinity(ILogger logger) =>
        new(bpf.GetMap(TableNames.Affinity).Map, OpenSlot(TableNames.Affinity), pins, TypesOf(TableNames.Affinity), TimeProvider.System, logger);

    private BpfMapArray OpenSlot(string table) => new(bpf.GetMap(TableNames.Slot(table)).Map);

    private MapTypes TypesOf(string table)
    {
        var map = bpf.GetMap(table);
        return new MapTypes(bpf.BtfFd, map.BtfKeyTypeId, map.BtfValueTypeId);
    }

    private BpfMap OpenRows(string table, BpfMapArray slot)
    {
        uint id = slot.GetId(0);
        var pinned = pins.TryOpenMap(table);
        if (pinned is not null && pinned.Id == id)
        {
            return pinned;
        }

        pinned?.Dispose();
        var rows = BpfMap.FromId(id);
        pins.Replace(table, rows);
        return rows;
    }
}
