using EbpfProxy.Datapath.Abi;

namespace EbpfProxy.Datapath.Tables;

/// <summary>The tables that the controller writes and the programs read.</summary>
internal sealed record TableSet(
    IHashTable<AddressKey, AddressInfo> Addresses,
    IHashTable<FrontendKey, FrontendValue> Frontends,
    IArrayTable<ServiceValue> Services,
    IArrayTable<uint> Sets,
    IArrayTable<BackendValue> Backends,
    IArrayTable<ServiceName> Names,
    IHashTable<SourceRangeKey, SourceRange> Ranges)
{
    /// <summary>The number of writes to all of them.</summary>
    public long Writes =>
        Addresses.Writes + Frontends.Writes + Services.Writes + Sets.Writes + Backends.Writes + Names.Writes + Ranges.Writes;

    /// <summary>Lets go of what memory they take in this process until they are used again.</summary>
    public void Unmap()
    {
        Services.Unmap();
        Sets.Unmap();
        Backends.Unmap();
        Names.Unmap();
    }
}
