namespace LibBpfSharp;

/// <summary>Programs of a few instructions, to see what the kernel makes of them.</summary>
internal static unsafe class MinimalProgram
{
    private const byte CallCode = 0x85;
    private const byte ExitCode = 0x95;
    private const byte Move64ImmediateCode = 0xb7;

    public static bpf_insn Exit => new() { code = ExitCode };

    public static bpf_insn ReturnZero => new() { code = Move64ImmediateCode };

    public static bpf_insn Set(byte register, int value) => new() { code = Move64ImmediateCode, dst_reg = register, imm = value };

    public static bpf_insn Call(bpf_func_id helper) => new() { code = CallCode, imm = (int)helper };

    /// <summary>Loads the program. Returns its descriptor or a negative error number; the verifier's log goes to <paramref name="log"/>.</summary>
    public static int Load(ReadOnlySpan<bpf_insn> instructions, BpfProgramType type, BpfAttachType attachType, Span<byte> log)
    {
        log.Clear();
        fixed (byte* license = "GPL\0"u8)
        fixed (bpf_insn* first = instructions)
        fixed (byte* buffer = log)
        {
            bpf_prog_load_opts options = new()
            {
                sz = (nuint)sizeof(bpf_prog_load_opts),
                expected_attach_type = (bpf_attach_type)attachType,
                log_buf = (sbyte*)buffer,
                log_size = (uint)log.Length,
                log_level = log.IsEmpty ? 0u : 1u,
                attempts = 1,
            };
            return LibBpf.bpf_prog_load((bpf_prog_type)type, null, (sbyte*)license, first, (nuint)instructions.Length, &options);
        }
    }
}
