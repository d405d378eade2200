using EbpfProxy.Datapath.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Opens the maps of connections: those that an earlier run pinned as they are, of whatever size, or new ones. The pin of
/// the connections themselves comes last and stands for all: without it the others are of a run that did not get so far.
/// </summary>
internal sealed class ConnectionMapOpener(BpfObject bpf, PinFolder pins)
{
    // Four rows lead to one at most; those of ended ones stay until they are swept.
    private const uint FlowsEach = 5;
    private const uint FragmentCount = 4096;

    private static readonly string[] _others =
    [
        TableNames.Flows, TableNames.FreeConnections, TableNames.Unanswered, TableNames.Closing, TableNames.Fragments,
        TableNames.HeldFragments, TableNames.RefusalBudget,
        TableNames.PathStates, TableNames.ConnectionLocks,
    ];

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
                SetCapacity(name, capacity);
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

        uint[] ids = [.. Enumerable.Range(0, (int)bpf.GetMap(TableNames.Connections).Map.MaxEntries).Select(id => (uint)id)];
        new BpfQueueMap<uint>(bpf.GetMap(TableNames.FreeConnections).Map).Push(ids);
        foreach (string name in _others.Append(TableNames.Connections))
        {
            pins.Replace(name, bpf.GetMap(name).Map);
        }
    }

    public ConnectionMaps Open() => new(
        bpf.GetMap(TableNames.Connections).Map,
        bpf.GetMap(TableNames.Flows).Map,
        bpf.GetMap(TableNames.FreeConnections).Map,
        bpf.GetMap(TableNames.Unanswered).Map,
        bpf.GetMap(TableNames.Closing).Map,
        bpf.GetMap(TableNames.PathStates).Map);

    /// <summary>What is not sized by the connections keeps the size that it has in the object.</summary>
    private void SetCapacity(string name, uint capacity)
    {
        uint? size = name switch
        {
            TableNames.Flows => capacity * FlowsEach,
            TableNames.Fragments => FragmentCount,
            TableNames.Connections or TableNames.FreeConnections or TableNames.Unanswered or TableNames.Closing => capacity,
            _ => null,
        };
        if (size is { } wanted)
        {
            bpf.GetMap(name).MaxEntries = wanted;
        }
    }
}
