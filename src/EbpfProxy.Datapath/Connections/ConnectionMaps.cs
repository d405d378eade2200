using EbpfProxy.Datapath.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>The maps of the connections that the packet path translates: bpf/include/connection_maps.h.</summary>
/// <param name="Connections">id -> connection; memory-mappable.</param>
/// <param name="Flows">A packet as one hook sees it -> its connection.</param>
/// <param name="Free">The ids that are free.</param>
/// <param name="Unanswered">Connections in the order of opening.</param>
internal sealed record ConnectionMaps(BpfMap Connections, BpfMap Flows, BpfMap Free, BpfMap Unanswered);

/// <summary>
/// Opens the maps of connections: those that an earlier run pinned as they are, of whatever size, or new ones. The pin of
/// the connections themselves comes last and stands for all: without it the others are of a run that did not get so far.
/// </summary>
internal sealed class ConnectionMapOpener(BpfObject bpf, PinFolder pins)
{
    private const uint FlowsEach = 4;
    private const uint FragmentCount = 4096;

    private static readonly string[] _others =
        [TableNames.Flows, TableNames.FreeConnections, TableNames.Unanswered, TableNames.Fragments, TableNames.RefusalBudget];

    /// <summary>Whether the maps were there before.</summary>
    public bool HasAdopted { get; private set; }

    /// <summary>How many connections fit into the maps that an earlier run left; 0 where there are none.</summary>
    public static uint ReadCapacity(PinFolder pins)
    {
        using var pinned = pins.TryOpenMap(TableNames.Connections);
        return pinned?.MaxEntries ?? 0;
    }

    /// <summary>Before the object is loaded: decides where the maps come from.</summary>
    public void Prepare(uint capacity)
    {
        HasAdopted = ReadCapacity(pins) != 0;
        foreach (string name in _others.Append(TableNames.Connections))
        {
            using var pinned = HasAdopted ? pins.TryOpenMap(name) : null;
            if (pinned is not null)
            {
                bpf.GetMap(name).Reuse(pinned);
            }
            else
            {
                bpf.GetMap(name).MaxEntries = CapacityOf(name, capacity);
            }
        }
    }

    /// <summary>After the object is loaded: pins what is new, with every id free.</summary>
    public void Pin()
    {
        if (HasAdopted)
        {
            return;
        }

        var free = bpf.GetMap(TableNames.FreeConnections).Map;
        uint[] ids = new uint[free.MaxEntries];
        for (uint id = 0; id < ids.Length; id++)
        {
            ids[id] = id;
        }

        new BpfQueueMap<uint>(free).Push(ids);
        foreach (string name in _others.Append(TableNames.Connections))
        {
            pins.Replace(name, bpf.GetMap(name).Map);
        }
    }

    public ConnectionMaps Open() => new(
        bpf.GetMap(TableNames.Connections).Map,
        bpf.GetMap(TableNames.Flows).Map,
        bpf.GetMap(TableNames.FreeConnections).Map,
        bpf.GetMap(TableNames.Unanswered).Map);

    private static uint CapacityOf(string name, uint capacity) => name switch
    {
        TableNames.Flows => capacity * FlowsEach,
        TableNames.Fragments => FragmentCount,
        TableNames.RefusalBudget => 1,
        _ => capacity,
    };
}
