using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Kernel;
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
    private const int NoRoom = 7; // E2BIG
    private const int PeersPerSocket = 16; // PEERS_PER_SOCKET of bpf/include/abi.h
    private const string PreviousPin = TableNames.Peers + "-previous";

    private readonly BpfMapArray _slot;
    private readonly PinFolder _pins;
    private readonly MapTypes _types;
    private readonly ILogger _logger;
    private BpfMap _map;
    private BpfMap? _previous;
    private bool _arePinsBehind;
    private bool _isAtLimit;

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

    /// <summary>Whether records are left in the table before, and <see cref="Move"/> has something to do.</summary>
    public bool IsMoving => _previous is not null;

    /// <summary>The number of records, at the cost of reading all of them.</summary>
    public long Count() => ReadAll().LongCount();

    /// <summary>The records as the kernel holds them; one that is moved meanwhile may come twice.</summary>
    public IEnumerable<KeyValuePair<PeerKey, PeerValue>> ReadAll() =>
        Rows(_map).Enumerate().Concat(_previous is null ? [] : Rows(_previous).Enumerate());

    /// <summary>
    /// Puts a table in place that is at least twice as large and has room for four times as many records as there are, so
    /// that what connects while they move does not fill it. The records follow with <see cref="Move"/>. There is a limit
    /// to it: the kernel's own sockets are closed without a hook and leave their records, which only add up. A table that
    /// the sockets of all open files could not fill is large enough.
    /// </summary>
    public void Grow(long count)
    {
        if (IsMoving || IsAtLimit())
        {
            return;
        }

        var larger = BpfMap.Create(new BpfMapOptions
        {
            Name = TableNames.Peers,
            Type = _map.Type,
            KeySize = _map.KeySize,
            ValueSize = _map.ValueSize,
            Flags = _map.Flags,
            MaxEntries = (uint)Math.Max(Capacity * 2L, count * 4),
            BtfFd = _types.BtfFd,
            BtfKeyTypeId = _types.KeyTypeId,
            BtfValueTypeId = _types.ValueTypeId,
        });

        // In this order there is no moment at which a record cannot be found. The kernel returns from each step when no
        // program sees what was in the slot before.
        try
        {
            _slot.Set(Previous, _map);
            _slot.Set(Current, larger);
        }
        catch
        {
            larger.Dispose();
            throw;
        }

        _previous = _map;
        _map = larger;
        _arePinsBehind = true;
        Log.PeersGrown(_logger, Capacity);
    }

    /// <summary>
    /// Moves the records to the larger table. Where that is full already, the rest stays, and is found, where it is until
    /// other sockets close.
    /// </summary>
    public void Move()
    {
        if (_previous is null)
        {
            return;
        }

        Pin();
        var from = Rows(_previous);
        var to = Rows(_map);
        foreach (var (key, _) in from.Enumerate())
        {
            if (!TryCopy(from, to, key, out bool isMoved))
            {
                return;
            }

            // A record that is gone from the old table was removed with its socket: its copy goes too.
            if (!from.TryDelete(key) && isMoved)
            {
                to.TryDelete(key);
            }
        }

        _slot.Clear(Previous);
        _pins.Remove(PreviousPin);
        _previous.Dispose();
        _previous = null;
    }

    private static BpfHashMap<PeerKey, PeerValue> Rows(BpfMap map) => new(map);

    private static bool TryCopy(BpfHashMap<PeerKey, PeerValue> from, BpfHashMap<PeerKey, PeerValue> to, PeerKey key, out bool isMoved)
    {
        isMoved = false;
        try
        {
            isMoved = from.TryGet(key, out var value) && to.TryAdd(key, value);
            return true;
        }
        catch (BpfException e) when (e.Errno == NoRoom)
        {
            return false;
        }
    }

    private bool IsAtLimit()
    {
        bool wasAtLimit = _isAtLimit;
        _isAtLimit = Capacity >= OpenFiles.CountAtMost() * PeersPerSocket;
        if (_isAtLimit && !wasAtLimit)
        {
            Log.PeersAtLimit(_logger, Capacity);
        }

        return _isAtLimit;
    }

    private void Pin()
    {
        if (_arePinsBehind)
        {
            _pins.Replace(PreviousPin, _previous!);
            _pins.Replace(TableNames.Peers, _map);
            _arePinsBehind = false;
        }
    }
}
