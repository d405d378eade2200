using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct peer_key</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct PeerKey(ulong Socket, uint Slot, uint Reserved);
