using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct affinity</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct AffinityValue(uint BackendId, uint BackendGeneration, ulong LastConnectionNs);
