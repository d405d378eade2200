using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbpfProxy.Model.Flows;

namespace EbpfProxy.Datapath.Abi;

/// <summary>The bits of <c>enum peer_flag</c>.</summary>
[Flags]
internal enum PeerFlags : byte
{
    None = 0,

    /// <summary>What the socket is connected to.</summary>
    Connected = 1 << 0,

    /// <summary>The backend itself or another frontend of it was asked since.</summary>
    Forgotten = 1 << 1,

    /// <summary>It goes at the end of the connection, which can be later than that of the socket.</summary>
    UntilClosed = 1 << 2,
}

/// <summary>Mirrors <c>struct peer</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct PeerValue(
    ulong Stamp,
    AddressKey Frontend,
    AddressKey Backend,
    ushort FrontendPortBe,
    ushort BackendPortBe,
    byte Protocol,
    PeerFlags Flags,
    ushort Reserved,
    uint Service,
    uint BackendId,
    uint BackendGeneration,
    uint Reserved2,
    ulong NetworkNamespace)
{
    private const ulong StampFactor = 0x9e3779b97f4a7c15;

    /// <summary>With the stamp that proves to readers that it is whole and of this key: <c>peer_stamp</c> of bpf/socket/peer.h.</summary>
    public PeerValue WithStamp(PeerKey key)
    {
        ulong stamp = key.Socket ^ key.Slot;
        foreach (ulong word in MemoryMarshal.Cast<PeerValue, ulong>(new ReadOnlySpan<PeerValue>(in this))[1..])
        {
            stamp = (stamp ^ word) * StampFactor;
            stamp ^= stamp >> 32;
        }

        return this with { Stamp = stamp };
    }

    /// <summary>What the socket asked, and who answers it.</summary>
    public TrackedFlow Flow => new(
        (Model.Network.Protocol)Protocol,
        Frontend.ToAddress(),
        BinaryPrimitives.ReverseEndianness(FrontendPortBe),
        Backend.ToAddress(),
        BinaryPrimitives.ReverseEndianness(BackendPortBe));
}
