using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct prefix</c>; the length counts in the bits of the v4-mapped address.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct PrefixValue(AddressKey Address, uint Length);
