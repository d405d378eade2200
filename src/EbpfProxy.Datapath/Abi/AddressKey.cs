using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct address</c>: sixteen bytes in network order, IPv4 v4-mapped.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct AddressKey(uint Word0Be, uint Word1Be, uint Word2Be, uint Word3Be)
{
    public static AddressKey From(Address address)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address.Bits);
        return MemoryMarshal.Read<AddressKey>(bytes);
    }

    public Address ToAddress() => new(BinaryPrimitives.ReadUInt128BigEndian(MemoryMarshal.AsBytes(new ReadOnlySpan<AddressKey>(in this))));
}
