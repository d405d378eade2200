using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Sync;

/// <summary>What the tables hold for one service; its values are in the tables themselves.</summary>
internal sealed class ServiceRecord(uint id, ServiceKey key)
{
    public uint Id { get; } = id;

    public ServiceKey Key { get; } = key;

    /// <summary>Ascending.</summary>
    public FrontendEntry[] Frontends { get; set; } = [];

    /// <summary>In the order of the backends' addresses and ports.</summary>
    public uint[] Backends { get; set; } = [];
}

/// <summary>A row of the table of frontends.</summary>
internal readonly record struct FrontendEntry(FrontendKey Key, FrontendValue Value);
