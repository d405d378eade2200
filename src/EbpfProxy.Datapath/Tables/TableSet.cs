using EbpfProxy.Datapath.Abi;

namespace EbpfProxy.Datapath.Tables;

/// <summary>The tables that the controller writes and the programs read; to the tallies both write.</summary>
internal sealed record TableSet(
    IHashTable<AddressKey, AddressInfo> Addresses,
    IHashTable<FrontendKey, FrontendValue> Frontends,
    IArrayTable<ServiceValue> Services,
    IArrayTable<uint> Sets,
    IArrayTable<BackendValue> Backends,
    IArrayTable<ServiceName> Names,
    IArrayTable<TallyValue> Tallies,
    IHashTable<SourceRangeKey, SourceRange> Ranges)
{
    /// <summary>The number of writes to all of them but the tallies, which no traffic goes by.</summary>
    public long Writes =>
        Addresses.Writes + Frontends.Writes + Services.Writes + Sets.Writes + Backends.Writes + Names.Writes + Ranges.Writes;

    /// <summary>Lets go of what memory they take in this process until they are used again.</summary>
    public void Unmap()
    {
        Services.Unmap();
        Sets.Unmap();
        Backends.Unmap();
        Names.Unmap();
        Tallies.Unmap();
    }
}
