namespace LibBpfSharp;

/// <summary>
/// A loaded BPF program. Disposing it closes this descriptor only: a program that is pinned, or that a link runs, lives on.
/// </summary>
public sealed unsafe class BpfProgram : BpfDescriptor
{
    private BpfProgram(int descriptor, string name, BpfProgramInfo info, BpfAttachType? attachType)
        : base(descriptor)
    {
        Name = name;
        Id = info.Id;
        Type = info.Type;
        AttachType = attachType;
    }

    /// <summary>The kernel's id of the program.</summary>
    public uint Id { get; }

    /// <summary>The program's type.</summary>
    public BpfProgramType Type { get; }

    /// <summary>Where the program is to be attached; null for one that was opened by pin or id, of which the kernel does not tell.</summary>
    public BpfAttachType? AttachType { get; }

    /// <summary>The program's name: whole if it came from an object, cut to 15 characters if it came from the kernel.</summary>
    public override string Name { get; }

    private protected override string Kind => "program";

    /// <summary>Opens the program pinned at <paramref name="path"/>.</summary>
    /// <exception cref="BpfException">Nothing is pinned there (ENOENT), or it cannot be opened.</exception>
    /// <exception cref="InvalidDataException">Something that is not a program is pinned there.</exception>
    public static BpfProgram OpenPinned(string path) => Adopt(RequirePin(path, "program"), name: null);

    /// <summary>Opens the program pinned at <paramref name="path"/>; null if nothing is pinned there.</summary>
    /// <inheritdoc cref="OpenPinned" path="/exception"/>
    public static BpfProgram? TryOpenPinned(string path)
    {
        int descriptor = OpenPin(path, "program");
        return descriptor < 0 ? null : Adopt(descriptor, name: null);
    }

    /// <summary>Opens the program with the kernel's id <paramref name="id"/>; null if there is no such program.</summary>
    public static BpfProgram? TryFromId(uint id)
    {
        int descriptor = LibBpf.bpf_prog_get_fd_by_id(id);
        if (descriptor == -LibC.ENOENT)
        {
            return null;
        }

        BpfException.ThrowIfFailed(descriptor, "open program", IdName(id));
        return Adopt(descriptor, name: null);
    }

    /// <summary>What the kernel says about the program now.</summary>
    public BpfProgramInfo ReadInfo()
    {
        using var lease = new HandleLease(this);
        return BpfProgramInfo.Read(lease.Descriptor, Name);
    }

    /// <summary>A second descriptor of the same program, with a life of its own.</summary>
    public BpfProgram Duplicate()
    {
        using var lease = new HandleLease(this);
        return Adopt(DuplicateDescriptor(), Name, AttachType);
    }

    private const uint TestSkbChecksumComplete = 1 << 2; // BPF_F_TEST_SKB_CHECKSUM_COMPLETE

    /// <summary>
    /// Runs the program once or several times with a packet or context of your own. A repeated run sees the packet as the run
    /// before left it.
    /// </summary>
    /// <exception cref="BpfException">For example ENOTSUPP: programs of this type cannot be run so.</exception>
    public BpfTestRunResult TestRun(BpfTestRunOptions options)
    {
        using var lease = new HandleLease(this);
        fixed (byte* packet = options.Packet)
        fixed (byte* packetOut = options.PacketOut)
        fixed (byte* context = options.Context)
        fixed (byte* contextOut = options.ContextOut)
        {
            bpf_test_run_opts native = new()
            {
                sz = (nuint)sizeof(bpf_test_run_opts),
                data_in = packet,
                data_size_in = (uint)options.Packet.Length,
                data_out = packetOut,
                data_size_out = (uint)options.PacketOut.Length,
                ctx_in = context,
                ctx_size_in = (uint)options.Context.Length,
                ctx_out = contextOut,
                ctx_size_out = (uint)options.ContextOut.Length,
                repeat = options.Repeat,
                flags = options.IsChecksumComplete ? TestSkbChecksumComplete : 0,
            };
            BpfException.ThrowIfFailed(LibBpf.bpf_prog_test_run_opts(lease.Descriptor, &native), "test-run program", Name);
            return new BpfTestRunResult(native.retval, native.duration, (int)native.data_size_out, (int)native.ctx_size_out);
        }
    }

    /// <summary>Takes over an open descriptor, which is closed if it cannot be read.</summary>
    internal static BpfProgram Adopt(int descriptor, string? name, BpfAttachType? attachType = null)
    {
        try
        {
            var info = BpfProgramInfo.Read(descriptor, name ?? "");
            return new BpfProgram(descriptor, name ?? info.Name, info, attachType);
        }
        catch
        {
            _ = LibC.close(descriptor);
            throw;
        }
    }
}
