using System.Runtime.InteropServices;
using EbpfProxy.Model.Tables;

namespace EbpfProxy.Datapath.Abi;

/// <summary>Mirrors <c>struct service</c>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly record struct ServiceValue(
    TrafficWord Internal, TrafficWord External, TrafficWord ExternalNear, uint Flags, uint AffinitySeconds)
{
    public const uint AffinityFlag = 1;

    /// <summary>Whether somebody serves it; the other way round than <c>service_has_nobody()</c> of bpf/lib/service.h.</summary>
    public bool HasSomebody => Internal.Verdict is Verdict.Cluster or Verdict.Local or Verdict.Drop;

    public TrafficVerdicts Verdicts => new(Internal.Verdict, External.Verdict, ExternalNear.Verdict);
}
