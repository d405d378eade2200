namespace EbpfProxy.Datapath.View;

/// <summary>What a program has cost since it was loaded, as far as the kernel measured it (<c>kernel.bpf_stats_enabled</c>).</summary>
/// <param name="Program">Its name in <c>bpf/</c>.</param>
/// <param name="Count">How often it ran.</param>
/// <param name="Time">How long it ran in all.</param>
public sealed record ProgramRun(string Program, ulong Count, TimeSpan Time);
