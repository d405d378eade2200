using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>
/// The maps between the programs and one who traces: those of an earlier run are taken over where they are alike, so that a
/// trace goes on over a restart.
/// </summary>
internal sealed class TraceMaps(BpfObject bpf, PinFolder pins)
{
    private static readonly string[] _names = [TableNames.TraceFilters, TableNames.TraceEvents, TableNames.TraceLosses];

    private bool _areNew;

    /// <summary>Before the object is loaded: decides where the maps come from.</summary>
    public void Prepare()
    {
        BpfMap?[] pinned = [.. _names.Select(pins.TryOpenMap)];
        try
        {
            _areNew = !_names.Zip(pinned).All(pair => pair.Second is { } map && IsAlike(map, bpf.GetMap(pair.First)));
            foreach (var (name, map) in _areNew ? [] : _names.Zip(pinned))
            {
                bpf.GetMap(name).Reuse(map!);
            }
        }
        finally
        {
            foreach (var map in pinned)
            {
                map?.Dispose();
            }
        }
    }

    /// <summary>After the object is loaded: pins what is new.</summary>
    public void Pin()
    {
        foreach (string name in _areNew ? _names : [])
        {
            pins.Replace(name, bpf.GetMap(name).Map);
        }
    }

    private static bool IsAlike(BpfMap map, BpfObjectMap other) => map.ValueSize == other.ValueSize && map.MaxEntries == other.MaxEntries;
}
