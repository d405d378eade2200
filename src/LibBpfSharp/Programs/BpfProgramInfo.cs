namespace LibBpfSharp;

/// <summary>What the kernel says about a program.</summary>
/// <param name="Id">The kernel's id of the program.</param>
/// <param name="Type">The program's type.</param>
/// <param name="Name">The program's name, cut to 15 characters by the kernel.</param>
/// <param name="Tag">The kernel's hash of the program's instructions, in hexadecimal digits.</param>
/// <param name="VerifiedInstructions">How many instructions the verifier walked through; 0 before Linux 5.16.</param>
/// <param name="RunTime">How long it ran in all, while <c>kernel.bpf_stats_enabled</c> was set.</param>
/// <param name="RunCount">How often it ran, while <c>kernel.bpf_stats_enabled</c> was set.</param>
public sealed record BpfProgramInfo(
    uint Id, BpfProgramType Type, string Name, string Tag, uint VerifiedInstructions, TimeSpan RunTime, ulong RunCount)
{
    private const long NanosecondsPerTick = 100;

    internal static unsafe BpfProgramInfo Read(int descriptor, string name)
    {
        bpf_prog_info info = default;
        uint size = (uint)sizeof(bpf_prog_info);
        BpfException.ThrowIfFailed(LibBpf.bpf_obj_get_info_by_fd(descriptor, &info, &size), "read info of program", name);
        return new BpfProgramInfo(
            info.id,
            (BpfProgramType)info.type,
            LibC.Text(info.name),
            Convert.ToHexStringLower(info.tag),
            info.verified_insns,
            TimeSpan.FromTicks((long)info.run_time_ns / NanosecondsPerTick),
            info.run_cnt);
    }
}
