using LibBpfSharp;

namespace EbpfProxy.Datapath.Tables;

/// <summary>The BTF types of a map's keys and values, so that a larger map can be read with bpftool as well.</summary>
internal readonly record struct MapTypes(int BtfFd, uint KeyTypeId, uint ValueTypeId)
{
    /// <summary>Makes an empty map that is as another one, but for its size.</summary>
    /// <exception cref="BpfException">The kernel refuses, for want of memory say.</exception>
    public BpfMap MakeLike(BpfMap map, string name, uint capacity) => BpfMap.Create(new BpfMapOptions
    {
        Name = name,
        Type = map.Type,
        KeySize = map.KeySize,
        ValueSize = map.ValueSize,
        Flags = map.Flags,
        MaxEntries = capacity,
        BtfFd = BtfFd,
        BtfKeyTypeId = KeyTypeId,
        BtfValueTypeId = ValueTypeId,
    });
}
