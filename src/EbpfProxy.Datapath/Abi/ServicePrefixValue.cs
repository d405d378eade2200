using System.Runtime.InteropServices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct service_prefix</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct ServicePrefixValue(AddressKey Address, AddressKey Mask, uint IsUsed)
{
    public static ServicePrefixValue From(Prefix prefix) => new(
        AddressKey.From(prefix.Address),
        AddressKey.From(new Address(prefix.MappedLength == 0 ? 0 : UInt128.MaxValue << (128 - prefix.MappedLength))),
        IsUsed: 1);
}
