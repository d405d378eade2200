using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>What the tables hold for one service; its values are in the tables themselves.</summary>
internal sealed class ServiceRecord(uint id, ServiceKey key)
{
    public uint Id { get; } = id;

    public ServiceKey Key { get; } = key;

    /// <summary>The frontends that it wants; of those that another service wants as well, one of them has it.</summary>
    public FrontendEntry[] Frontends { get; set; } = [];

    /// <summary>In the order of the backends' addresses and ports.</summary>
    public uint[] Backends { get; set; } = [];

    /// <summary>Whether it has session affinity.</summary>
    public bool RemembersClients { get; set; }

    /// <summary>The source ranges that it wants.</summary>
    public SourceRangeKey[] SourceRanges { get; set; } = [];

    /// <summary>A frontend that it wants.</summary>
    public FrontendEntry Find(FrontendKey key) => Frontends[Array.FindIndex(Frontends, entry => entry.Key == key)];

    public bool TryFind(FrontendKey key, out FrontendEntry frontend)
    {
        int index = Array.FindIndex(Frontends, entry => entry.Key == key);
        frontend = index < 0 ? default : Frontends[index];
        return index >= 0;
    }
}

/// <summary>A row of the table of frontends.</summary>
internal readonly record struct FrontendEntry(FrontendKey Key, FrontendValue Value);
