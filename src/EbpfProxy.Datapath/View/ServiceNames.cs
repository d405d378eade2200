using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Tables;
using LibBpfSharp;

namespace EbpfProxy.Datapath.View;

/// <summary>The names of services by their ids, from the pinned table.</summary>
internal static class ServiceNames
{
    /// <param name="folder">The folder of the tables; null where there is none, which names nothing.</param>
    public static Dictionary<uint, ServiceKey> Read(string? folder)
    {
        Dictionary<uint, ServiceKey> keys = [];
        using var map = folder is null ? null : BpfMap.TryOpenPinned(Path.Combine(folder, TableNames.Names));
        if (map is null)
        {
            return keys;
        }

        using var names = new BpfArrayMap<ServiceName>(map).MemoryMap();
        for (int id = 0; id < names.Length; id++)
        {
            if (names[id].Family != 0)
            {
                keys.Add((uint)id, names[id].ToKey());
            }
        }

        return keys;
    }
}
