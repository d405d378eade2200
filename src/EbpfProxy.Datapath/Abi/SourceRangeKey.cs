using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct source_range_key</c>: the length counts the bits of the service id as well.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct SourceRangeKey(uint PrefixLength, uint ServiceBe, AddressKey Address)
{
    private const int ServiceBits = 32;

    public uint Service => BinaryPrimitives.ReverseEndianness(ServiceBe);

    public static SourceRangeKey From(uint service, Prefix prefix) =>
        new((uint)(ServiceBits + prefix.MappedLength), BinaryPrimitives.ReverseEndianness(service), AddressKey.From(prefix.Address));

    public Prefix ToPrefix() => Prefix.FromMapped(Address.ToAddress(), (int)PrefixLength - ServiceBits);
}
