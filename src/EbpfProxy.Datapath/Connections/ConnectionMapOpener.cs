using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Connections;

/// <summary>
/// Opens the maps of connections: those that an earlier run pinned as they are, of whatever size, or new ones. The pin of
/// the connections themselves comes last and stands for all: without it the others are of a run that did not get so far.
/// </summary>
internal sealed class ConnectionMapOpener(BpfObject bpf, PinFolder pins)
{
    private const uint FragmentCount = 4096;

    // IDS_FREED_AT_ONCE of bpf/packet/controller.h; the program is run on a packet, any packet.
    private const int FreedAtOnce = 256;
    private const int EthernetHeaderLength = 14;

    private static readonly string[] _others =
    [
        TableNames.Flows, TableNames.FreeConnections, TableNames.Unanswered, TableNames.Closing, TableNames.Fragments,
        TableNames.HeldFragments, TableNames.RefusalBudget,
        TableNames.PathStates, TableNames.ConnectionLocks,
    ];

    private readonly List<string> _new = [];
    private FlowSecret _secret;

    /// <summary>The program that makes every id free.</summary>
    public const string FreeAllProgram = "free_all";

    /// <summary>Whether the maps were there before.</summary>
    public bool HasAdopted { get; private set; }

    /// <summary>How many connections fit into the maps that an earlier run left; 0 where there are none.</summary>
    public static uint ReadCapacity(PinFolder pins)
    {
        using var pinned = pins.TryOpenMap(TableNames.Connections);
        return pinned?.MaxEntries ?? 0;
    }

    /// <summary>What the digests in the table of flows that an earlier run left are keyed with, or a new one.</summary>
    public static FlowSecret ReadSecret(PinFolder pins)
    {
        using var state = ReadCapacity(pins) != 0 ? pins.TryOpenMap(TableNames.PathStates) : null;
        return state is null ? FlowSecret.New() : new BpfArrayMap<PathState>(state)[0].FlowSecret;
    }

    /// <summary>Before the object is loaded: decides where the maps come from.</summary>
    /// <param name="capacity">For how many connections.</param>
    /// <param name="secret">That the programs were told.</param>
    public void Prepare(uint capacity, FlowSecret secret)
    {
        _secret = secret;
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
                _new.Add(name);
            }
        }
    }

    /// <summary>After the object is loaded: pins what is new, with every id free.</summary>
    public void Pin()
    {
        if (!HasAdopted)
        {
            FreeAll((int)bpf.GetMap(TableNames.Connections).Map.MaxEntries);
            new BpfArrayMap<PathState>(bpf.GetMap(TableNames.PathStates).Map)[0] = new PathState { FlowSecret = _secret };
        }

        // Of an earlier build's all but what this one has more.
        _new.ForEach(name => pins.Replace(name, bpf.GetMap(name).Map));
    }

    public ConnectionMaps Open() => new(
        bpf.GetMap(TableNames.Connections).Map,
        new FlowTable(bpf.GetMap(TableNames.Flows).Map, bpf.GetProgram(FlowTable.ChangeRowsProgram).Program, _secret),
        bpf.GetMap(TableNames.FreeConnections).Map,
        bpf.GetMap(TableNames.Unanswered).Map,
        bpf.GetMap(TableNames.Closing).Map,
        bpf.GetMap(TableNames.PathStates).Map);

    private void FreeAll(int count) => bpf.GetProgram(FreeAllProgram).Program.TestRun(new BpfTestRunOptions
    {
        Packet = new byte[EthernetHeaderLength],
        Repeat = (count + FreedAtOnce - 1) / FreedAtOnce,
    });

    /// <summary>What is not sized by the connections keeps the size that it has in the object.</summary>
    private void SetCapacity(string name, uint capacity)
    {
        uint? size = name switch
        {
            TableNames.Flows => FlowTable.LengthFor(capacity),
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
