using EbpfProxy.Datapath.Abi;
using LibBpfSharp;
using Microsoft.Extensions.Logging;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// The table of socket peers, which the programs write and this class makes larger before it is full. The larger one
/// takes what is new at once; the one before stays readable in the second slot until its records have moved.
/// </summary>
internal sealed class PeerTable
{
    private const int Current = 0;
    private const int Previous = 1;
    private const string PreviousPin = TableNames.Peers + "-previous";

    private readonly BpfMapArray _slot;
    private readonly PinFolder _pins;
    private readonly MapTypes _types;
    private readonly ILogger _logger;
    private BpfMap _map;
    private BpfMap? _previous;

    public PeerTable(BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types, ILogger logger)
    {
        _map = map;
        _slot = slot;
        _pins = pins;
        _types = types;
        _logger = logger;
        if (!slot.TryGetId(Previous, out uint id))
        {
            return;
        }

        if (id == map.Id)
        {
            // A growth that was cut short after its first step: there is no larger table yet.
            slot.Clear(Previous);
            return;
        }

        _previous = BpfMap.FromId(id);
    }

    public uint Capacity => _map.MaxEntries;

    /// <summary>The number of records, at the cost of reading all of them.</summary>
    public long Count() => Rows(_map).Enumerate().LongCount() + (_previous is null ? 0 : Rows(_previous).Enumerate().LongCount());

    /// <summary>Moves what a growth that was cut short left behind.</summary>
    public void FinishGrowth()
    {
        if (_previous is not null)
        {
            Move(_previous);
        }
    }

    /// <summary>Makes the table twice as large.</summary>
    public void Grow()
    {
        FinishGrowth();
        var larger = BpfMap.Create(new BpfMapOptions
        {
            Name = TableNames.Peers,
            Type = _map.Type,
            KeySize = _map.KeySize,
            ValueSize = _map.ValueSize,
            Flags = _map.Flags,
            MaxEntries = Capacity * 2,
            BtfFd = _types.BtfFd,
            BtfKeyTypeId = _types.KeyTypeId,
            BtfValueTypeId = _types.ValueTypeId,
        });

        // In this order there is no moment at which a record cannot be found. The kernel returns from each step when no
        // program sees what was in the slot before.
        _slot.Set(Previous, _map);
        _slot.Set(Current, larger);
        _pins.Replace(PreviousPin, _map);
        _pins.Replace(TableNames.Peers, larger);
        _previous = _map;
        _map = larger;
        Log.PeersGrown(_logger, Capacity);
        Move(_previous);
    }

    private static BpfHashMap<PeerKey, PeerValue> Rows(BpfMap map) => new(map);

    private void Move(BpfMap previous)
    {
        var from = Rows(previous);
        var to = Rows(_map);
        foreach (var (key, value) in from.Enumerate())
        {
            bool isMoved = to.TryAdd(key, value);

            // A record that is gone from the old table was removed with its socket: its copy goes too.
            if (!from.TryDelete(key) && isMoved)
            {
                to.TryDelete(key);
            }
        }

        _slot.Clear(Previous);
        _pins.Remove(PreviousPin);
        previous.Dispose();
        _previous = null;
    }
}
