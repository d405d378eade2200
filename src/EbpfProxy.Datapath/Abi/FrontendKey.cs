using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct frontend_key</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct FrontendKey(AddressKey Address, ushort PortBe, byte Protocol, byte Reserved)
{
    public static FrontendKey From(Address address, ushort port, Protocol protocol) =>
        new(AddressKey.From(address), BinaryPrimitives.ReverseEndianness(port), (byte)protocol, 0);

    public ushort Port => BinaryPrimitives.ReverseEndianness(PortBe);
}
