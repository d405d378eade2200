using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct address_info</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct AddressInfo(uint Roles, uint Reserved);
