using EbpfProxy.Datapath.Abi;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Tables;

/// <summary>What the tables say of frontends now, for who looks at flows that began earlier. Read under the lock of changes.</summary>
/// <param name="tables">The tables.</param>
/// <param name="isOfNode">Whether an address is this node's: node ports are there alone.</param>
internal sealed class FrontendRows(TableSet tables, Func<Address, bool> isOfNode)
{
    /// <summary>Whether programs find a frontend at an address, port and protocol: node ports where the address accepts them.</summary>
    public bool Has(Address address, ushort port, Protocol protocol) =>
        tables.Frontends.TryRead(FrontendKey.From(address, port, protocol), out _)
        || (AcceptsNodePorts(address) && tables.Frontends.TryRead(FrontendKey.From(Address.AnyOf(address.Family), port, protocol), out _));

    /// <summary>
    /// Whether who asks an address, port and protocol gets a backend of another service than <paramref name="service"/>: the
    /// frontend has turned to one, and somebody serves that.
    /// </summary>
    public bool HasTurned(Address address, ushort port, Protocol protocol, uint service) =>
        TryFind(address, port, protocol, out var row) && row.Service != service
        && row.Service < tables.Services.Capacity && tables.Services.Read(row.Service).HasSomebody;

    /// <summary>Whether an address is this node's.</summary>
    public bool IsOfNode(Address address) => isOfNode(address);

    private bool AcceptsNodePorts(Address address) =>
        tables.Addresses.TryRead(AddressKey.From(address), out var info) && ((AddressRole)info.Roles).HasFlag(AddressRole.Node);

    private bool TryFind(Address address, ushort port, Protocol protocol, out FrontendValue row) =>
        tables.Frontends.TryRead(FrontendKey.From(address, port, protocol), out row)
        || (isOfNode(address) && tables.Frontends.TryRead(FrontendKey.From(Address.AnyOf(address.Family), port, protocol), out row));
}
