using System.Collections.Concurrent;
using System.Text;

namespace LibBpfSharp;

/// <summary>
/// What the running kernel offers, found out by trying. Answers are kept for the life of the process, except
/// <see cref="BpfFeature.Unknown"/>.
/// </summary>
public static unsafe class BpfProbe
{
    private const int LogSize = 4096;

    // What verifiers of different ages say of a helper that a program may not call. libbpf's own probe knows only those that were
    // there when it was made.
    private static readonly string[] Refusals = ["invalid func ", "unknown func ", "program of this type cannot use helper "];

    private static readonly ConcurrentDictionary<(string Kind, uint First, uint Second, uint Third), BpfFeature> Known = new();

    /// <summary>Whether programs of a type, attached at a place, may call a helper.</summary>
    /// <param name="helper">The helper.</param>
    /// <param name="programType">The type of program.</param>
    /// <param name="attachType">Where it is attached, for types that need to know at load.</param>
    public static BpfFeature Helper(bpf_func_id helper, BpfProgramType programType, BpfAttachType attachType = default)
        => Remember("helper", (uint)helper, (uint)programType, (uint)attachType, () => TryHelper(helper, programType, attachType));

    /// <summary>Whether maps of a type can be created.</summary>
    public static BpfFeature MapType(BpfMapType type)
        => Remember("map", (uint)type, 0, 0, () => FromResult(LibBpf.libbpf_probe_bpf_map_type((bpf_map_type)type, null)));

    /// <summary>Whether programs of a type can be loaded.</summary>
    public static BpfFeature ProgramType(BpfProgramType type)
        => Remember("program", (uint)type, 0, 0, () => FromResult(LibBpf.libbpf_probe_bpf_prog_type((bpf_prog_type)type, null)));

    /// <summary>Whether programs can be attached to devices by tcx.</summary>
    public static BpfFeature Tcx => Remember("tcx", 0, 0, 0, TryTcx);

    /// <summary>Whether bpf_l4_csum_replace can be told that a checksum is one of IPv6 (BPF_F_IPV6).</summary>
    public static BpfFeature ChecksumIPv6 => Remember("checksum of IPv6", 0, 0, 0, TryChecksumIPv6);

    private static BpfFeature Remember(string kind, uint first, uint second, uint third, Func<BpfFeature> probe)
    {
        if (Known.TryGetValue((kind, first, second, third), out var known))
        {
            return known;
        }

        using var quiet = LibBpfLog.CaptureWarnings();
        var found = probe();
        if (found != BpfFeature.Unknown)
        {
            Known[(kind, first, second, third)] = found;
        }

        return found;
    }

    private static BpfFeature FromResult(int result) => result switch
    {
        1 => BpfFeature.Available,
        0 => BpfFeature.NotSupported,
        _ => BpfFeature.Unknown,
    };

    private static BpfFeature TryHelper(bpf_func_id helper, BpfProgramType programType, BpfAttachType attachType)
    {
        ReadOnlySpan<bpf_insn> program = [MinimalProgram.Call(helper), MinimalProgram.Exit];
        Span<byte> log = stackalloc byte[LogSize];
        int descriptor = MinimalProgram.Load(program, programType, attachType, log);
        if (descriptor >= 0)
        {
            _ = LibC.close(descriptor);
            return BpfFeature.Available;
        }

        // A helper that may be called is still refused here, for its arguments: then the log says something else.
        int end = log.IndexOf((byte)0);
        string text = Encoding.UTF8.GetString(end < 0 ? log : log[..end]);
        if (text.Length == 0)
        {
            return BpfFeature.Unknown;
        }

        return Refusals.Any(refusal => text.Contains(refusal, StringComparison.Ordinal)) ? BpfFeature.NotSupported : BpfFeature.Available;
    }

    // Attaches to a device that cannot exist: a kernel with tcx gets as far as looking for it.
    private static BpfFeature TryTcx()
    {
        ReadOnlySpan<bpf_insn> program = [MinimalProgram.ReturnZero, MinimalProgram.Exit];
        int descriptor = MinimalProgram.Load(program, BpfProgramType.SchedClassifier, default, default);
        if (descriptor < 0)
        {
            return BpfFeature.Unknown;
        }

        int link = LibBpf.bpf_link_create(descriptor, int.MaxValue, bpf_attach_type.BPF_TCX_INGRESS, null);
        _ = LibC.close(descriptor);
        return link switch
        {
            -LibC.ENODEV => BpfFeature.Available,
            -LibC.EINVAL => BpfFeature.NotSupported,
            _ => BpfFeature.Unknown,
        };
    }

    // Runs the helper on a packet, for a change by nothing: it answers EINVAL to a flag that it does not know.
    private static BpfFeature TryChecksumIPv6()
    {
        const int offset = 36;
        const int pseudoHeaderOfIPv6 = 0x10 | 0x80;
        ReadOnlySpan<bpf_insn> program =
        [
            MinimalProgram.Set(register: 2, offset),
            MinimalProgram.Set(register: 3, 0),
            MinimalProgram.Set(register: 4, 0),
            MinimalProgram.Set(register: 5, pseudoHeaderOfIPv6),
            MinimalProgram.Call(bpf_func_id.BPF_FUNC_l4_csum_replace),
            MinimalProgram.Exit,
        ];
        int descriptor = MinimalProgram.Load(program, BpfProgramType.SchedClassifier, default, default);
        if (descriptor < 0)
        {
            return BpfFeature.Unknown;
        }

        byte* packet = stackalloc byte[64];
        new Span<byte>(packet, 64).Clear();
        bpf_test_run_opts run = new() { sz = (nuint)sizeof(bpf_test_run_opts), data_in = packet, data_size_in = 64, repeat = 1 };
        int result = LibBpf.bpf_prog_test_run_opts(descriptor, &run);
        _ = LibC.close(descriptor);
        return result < 0 ? BpfFeature.Unknown : run.retval == 0 ? BpfFeature.Available : BpfFeature.NotSupported;
    }
}
