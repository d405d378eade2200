using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// A map that the programs reach through a slot of an outer map. A larger one is made, filled and put into the slot in
/// one step; the kernel returns from that step when no program reads the old one any more.
/// </summary>
internal abstract class GrowableTable : IDisposable
{
    private readonly string _name;
    private readonly BpfMapArray _slot;
    private readonly PinFolder _pins;
    private readonly MapTypes _types;
    private bool _isPinBehind;

    protected GrowableTable(string name, BpfMap map, BpfMapArray slot, PinFolder pins, MapTypes types)
    {
        _name = name;
        _slot = slot;
        _pins = pins;
        _types = types;
        Map = map;
    }

    /// <summary>How many elements fit.</summary>
    public uint Capacity => Map.MaxEntries;

    public long Writes { get; protected set; }

    protected BpfMap Map { get; private set; }

    public void EnsureCapacity(uint count)
    {
        if (count > Capacity)
        {
            uint wished = Math.Max(count, Capacity * 2);
            try
            {
                Grow(wished);
            }
            catch (IOException) when (wished > count)
            {
                Grow(count);
            }
        }

        if (_isPinBehind)
        {
            _pins.Replace(_name, Map);
            _isPinBehind = false;
        }
    }

    public virtual void Dispose() => Map.Dispose();

    /// <summary>Copies everything to a larger map that no program reads yet. Whatever can fail is done here.</summary>
    protected abstract void CopyTo(BpfMap larger);

    /// <summary>Works on with the map that was copied to last.</summary>
    protected abstract void Switch();

    /// <summary>Lets go of what <see cref="CopyTo"/> prepared, since the kernel refused the larger map.</summary>
    protected virtual void GiveUpCopy()
    {
    }

    private void Grow(uint capacity)
    {
        var larger = _types.MakeLike(Map, _name, capacity);
        try
        {
            CopyTo(larger);
            _slot.Set(0, larger);
        }
        catch
        {
            GiveUpCopy();
            larger.Dispose();
            throw;
        }

        // From here on the programs read the larger map, so it has to be the one that is written, whatever becomes of its
        // pin: that may be one behind for a while, and the slot tells the next start which map is the table.
        Switch();
        Map.Dispose();
        Map = larger;
        _isPinBehind = true;
    }
}
