using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// The map of counters. It goes on counting over restarts; a build that knows more reasons begins with a new one, since
/// the numbers of reasons are never used again but their count grows.
/// </summary>
internal sealed class CounterMap(BpfObject bpf, PinFolder pins)
{
    private bool _isNew;

    /// <summary>Before the object is loaded: decides where the map comes from.</summary>
    public void Prepare()
    {
        var map = bpf.GetMap(TableNames.Counters);
        using var pinned = pins.TryOpenMap(TableNames.Counters);
        _isNew = pinned is null || pinned.MaxEntries != map.MaxEntries;
        if (!_isNew)
        {
            map.Reuse(pinned!);
        }
    }

    /// <summary>After the object is loaded: pins it if it is new.</summary>
    public void Pin()
    {
        if (_isNew)
        {
            pins.Replace(TableNames.Counters, bpf.GetMap(TableNames.Counters).Map);
        }
    }
}
