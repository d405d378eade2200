using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Network;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct backend_state</c>: one aligned 8-byte word; no flags mean that the id is free.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct BackendState(ulong Bits)
{
    public BackendState(uint generation, BackendUse use)
        : this(generation | ((ulong)use << 32))
    {
    }

    public uint Generation => (uint)Bits;

    public BackendUse Use => (BackendUse)(Bits >> 32);
}

/// <summary>Mirrors <c>struct backend</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct BackendValue(
    AddressKey Address, ushort PortBe, byte Protocol, byte Reserved, uint Service, BackendState State)
{
    public static BackendValue From(in Backend backend, Protocol protocol, uint service, uint generation) => new(
        AddressKey.From(backend.Address),
        BinaryPrimitives.ReverseEndianness(backend.Port),
        (byte)protocol,
        0,
        service,
        new BackendState(generation, backend.Use));

    public Backend ToBackend() => new(Address.ToAddress(), Port, State.Use);

    public ushort Port => BinaryPrimitives.ReverseEndianness(PortBe);
}
