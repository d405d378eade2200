using System.Runtime.InteropServices;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct service</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct ServiceValue(
    TrafficWord Internal, TrafficWord External, TrafficWord ExternalNear, uint Flags, uint AffinitySeconds)
{
    public const uint AffinityFlag = 1;

    public TrafficVerdicts Verdicts => new(Internal.Verdict, External.Verdict, ExternalNear.Verdict);
}
