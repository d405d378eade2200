using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct client</c>: no address of a family where a socket could have one of several, or none.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct ClientValue(AddressKey IPv4, AddressKey IPv6, uint Flags = 0, uint Reserved = 0);
