using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>The numbers of <c>enum flow_hook</c>.</summary>
internal enum FlowHook : byte
{
    Ingress = 0,
    Egress = 1,
}

/// <summary>Mirrors <c>struct flow_key</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct FlowKey(
    AddressKey Source, AddressKey Destination, ushort SourcePortBe, ushort DestinationPortBe, byte Protocol, FlowHook Hook, ushort Reserved);
