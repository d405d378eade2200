using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct path_state</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal record struct PathState(uint IsInUse, uint HasOrphans, uint GoesAround, uint Reserved);
