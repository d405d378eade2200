using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct peer</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct PeerValue(
    ulong Stamp,
    AddressKey Frontend,
    AddressKey Backend,
    ushort FrontendPortBe,
    ushort BackendPortBe,
    byte Protocol,
    byte Flags,
    ushort Reserved,
    uint Service,
    uint BackendId,
    uint BackendGeneration,
    uint Reserved2,
    ulong NetworkNamespace);
