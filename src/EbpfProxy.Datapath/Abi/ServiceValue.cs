using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct service</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct ServiceValue(
    TrafficWord Internal, TrafficWord External, TrafficWord ExternalNear, uint Flags, uint AffinitySeconds)
{
    public const uint AffinityFlag = 1;
}
