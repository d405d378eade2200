using EbpfProxy.Datapath.Kernel;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// A table which the programs write and this class makes larger before it is full. The larger one takes what is new at
/// once; the one before stays readable in the second slot until its rows have moved.
/// </summary>
internal abstract class ProgramTable<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    private const int Current = 0;
    private const int Previous = 1;
    private const int NoEntry = 2; // ENOENT
    private const int NoRoom = 7; // E2BIG

    private readonly string _name;
    private readonly string _previousPin;
    private readonly BpfMapArray _slot;
    private readonly PinFolder _pins;
    private readonly MapTypes _types;
    private readonly Retries _growth;
    private BpfMap _map;
    private BpfMap? _previous;
    private bool _arePinsBehind;
    private bool _isAtLimit;
    private bool _isOutrun;

    protected ProgramTable(string name, BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types, TimeProvider time)
    {
        _name = name;
        _previousPin = name + "-previous";
        _map = map;
        _slot = slot;
        _pins = pins;
        _types = types;
        _growth = new Retries(time, LogNotGrown);
        if (!slot.TryGetId(Previous, out uint id))
        {
            // A move that was cut short before its last step: nothing but the pin would hold that table.
            pins.Remove(_previousPin);
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

    /// <summary>Whether rows are left in the table before, and <see cref="Move"/> has something to do.</summary>
    public bool IsMoving => _previous is not null;

    /// <summary>Whether <see cref="Grow"/> would make it larger.</summary>
    public bool CanGrow => _growth.IsDue && (!IsMoving || (_isOutrun && MayCopyAhead)) && Capacity < Limit;

    /// <summary>A table with room for so many rows is large enough.</summary>
    protected abstract long Limit { get; }

    /// <summary>
    /// Whether a row may be in two tables for a while, so that a table that filled before all rows had moved to it can be
    /// made larger still. Not where programs remove rows: a copy would be left.
    /// </summary>
    protected virtual bool MayCopyAhead => false;

    /// <summary>The number of rows, at the cost of reading all of them.</summary>
    public long Count() => ReadAll().LongCount();

    /// <summary>The rows as the kernel holds them; one that is moved meanwhile may come twice.</summary>
    public IEnumerable<KeyValuePair<TKey, TValue>> ReadAll() =>
        Rows(_map).Enumerate().Concat(_previous is null ? [] : Rows(_previous).Enumerate());

    /// <summary>A row; where both tables have one, the younger.</summary>
    public bool TryRead(TKey key, out TValue value) =>
        Rows(_map).TryGet(key, out value) || (_previous is not null && Rows(_previous).TryGet(key, out value));

    /// <summary>Adds a row, before programs do; false where there is one.</summary>
    public bool TryAdd(TKey key, TValue value) => Rows(_map).TryAdd(key, value);

    /// <summary>Puts a row in the place of another; false where there is none, or it has not moved yet.</summary>
    public bool TryReplace(TKey key, TValue value)
    {
        try
        {
            Rows(_map).Update(key, value, BpfUpdateMode.Exist);
            return true;
        }
        catch (BpfException e) when (e.Errno == NoEntry)
        {
            return false;
        }
    }

    /// <summary>Removes a row; whether there was one. The previous first, so that it cannot come back.</summary>
    public bool Remove(TKey key)
    {
        bool wasInPrevious = _previous is not null && Rows(_previous).TryDelete(key);
        return Rows(_map).TryDelete(key) || wasInPrevious;
    }

    /// <summary>
    /// Puts a table in place that is at least twice as large and has room for four times as many rows as there are, so
    /// that what is added while they move does not fill it. The rows follow with <see cref="Move"/>. A table that has
    /// room for as many as <see cref="Limit"/> stays as it is. What the kernel refuses is told, and asked for again later.
    /// </summary>
    public void Grow(long count) => _growth.Try(() =>
    {
        if ((!IsMoving || CanGrow) && !IsAtLimit())
        {
            Replace(MakeLarger(count));
        }
    });

    /// <summary>
    /// Moves the rows to the larger table. Where that is full already, the rest stays, and is found, where it is until
    /// others go.
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
                _isOutrun = true;
                return;
            }

            // A row that is gone from the old table was removed by a program: its copy goes too.
            if (!from.TryDelete(key) && isMoved)
            {
                to.TryDelete(key);
            }
        }

        _slot.Clear(Previous);
        _pins.Remove(_previousPin);
        _previous.Dispose();
        _previous = null;
    }

    /// <summary>Makes a table of this one's kind.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    protected virtual BpfMap Make(uint capacity) => _types.MakeLike(_map, _name, capacity);

    /// <summary>Whether one value of a row is younger than another.</summary>
    protected virtual bool IsYounger(in TValue value, in TValue other) => false;

    protected abstract void LogGrown();

    /// <summary>Says that it could not be made larger.</summary>
    protected abstract void LogNotGrown(string reason);

    /// <summary>Says that the table is half full and stays as it is.</summary>
    protected abstract void LogAtLimit();

    private static BpfHashMap<TKey, TValue> Rows(BpfMap map) => new(map);

    private bool TryCopy(BpfHashMap<TKey, TValue> from, BpfHashMap<TKey, TValue> to, TKey key, out bool isMoved)
    {
        isMoved = false;
        try
        {
            if (from.TryGet(key, out var value))
            {
                isMoved = to.TryAdd(key, value);
                if (!isMoved && to.TryGet(key, out var other) && IsYounger(value, other))
                {
                    to.Update(key, value);
                }
            }

            return true;
        }
        catch (BpfException e) when (e.Errno == NoRoom)
        {
            return false;
        }
    }

    private void Replace(BpfMap larger)
    {
        try
        {
            if (IsMoving)
            {
                PutAhead(larger);
            }
            else
            {
                Put(larger);
            }
        }
        catch
        {
            larger.Dispose();
            throw;
        }

        _previous?.Dispose();
        _previous = _map;
        _map = larger;
        _isOutrun = false;
        _arePinsBehind = true;
        LogGrown();
    }

    /// <summary>A table of which less than half would be in use, or, where there is no memory for it, one that is larger at all.</summary>
    private BpfMap MakeLarger(long count)
    {
        long wished = Math.Max(Capacity * 2L, count * 4);
        try
        {
            return Make((uint)wished);
        }
        catch (IOException)
        {
            return Make((uint)Math.Max(Capacity + (Capacity / 2L) + 1, count + (count / 8)));
        }
    }

    /// <summary>
    /// In this order there is no moment at which a row cannot be found. The kernel returns from each step when no program
    /// sees what was in the slot before.
    /// </summary>
    private void Put(BpfMap larger)
    {
        _slot.Set(Previous, _map);
        _slot.Set(Current, larger);
    }

    /// <summary>
    /// In the place of a table that is full, while the one before still has rows that did not fit. The larger one has the rows
    /// of both first; only what is written to the full one between the two steps is not found until the second.
    /// </summary>
    private void PutAhead(BpfMap larger)
    {
        var to = Rows(larger);
        foreach (var table in new[] { _map, _previous! })
        {
            foreach (var (key, value) in Rows(table).Enumerate())
            {
                to.TryAdd(key, value);
            }
        }

        _slot.Set(Current, larger);
        _slot.Set(Previous, _map);
    }

    private bool IsAtLimit()
    {
        bool wasAtLimit = _isAtLimit;
        _isAtLimit = Capacity >= Limit;
        if (_isAtLimit && !wasAtLimit)
        {
            LogAtLimit();
        }

        return _isAtLimit;
    }

    private void Pin()
    {
        if (_arePinsBehind)
        {
            _pins.Replace(_previousPin, _previous!);
            _pins.Replace(_name, _map);
            _arePinsBehind = false;
        }
    }
}
