namespace LibBpfSharp;

/// <summary>A program of an object. It is in the kernel once the object is loaded, and belongs to the object.</summary>
public sealed unsafe class BpfObjectProgram
{
    private readonly BpfObject _owner;
    private readonly bpf_program* _native;
    private BpfProgram? _program;

    internal BpfObjectProgram(BpfObject owner, bpf_program* native)
    {
        _owner = owner;
        _native = native;
        Name = LibC.Text(LibBpf.bpf_program__name(native));
        Section = LibC.Text(LibBpf.bpf_program__section_name(native));
    }

    /// <summary>The name of the C function.</summary>
    public string Name { get; }

    /// <summary>The section that the C function is in (<c>SEC("...")</c>).</summary>
    public string Section { get; }

    /// <summary>Whether loading the object loads this program. It can be set before.</summary>
    public bool AutoLoad
    {
        get => LibBpf.bpf_program__autoload(Native);
        set
        {
            _owner.RequireNotLoaded();
            BpfException.ThrowIfFailed(LibBpf.bpf_program__set_autoload(_native, value), "set auto-load of program", Name);
        }
    }

    /// <summary>The program's type. libbpf takes it from the section; one whose section it does not know has to be told.</summary>
    public BpfProgramType Type
    {
        get => (BpfProgramType)LibBpf.bpf_program__type(Native);
        set
        {
            _owner.RequireNotLoaded();
            BpfException.ThrowIfFailed(LibBpf.bpf_program__set_type(_native, (bpf_prog_type)value), "set type of program", Name);
        }
    }

    /// <summary>Where the program is to be attached. libbpf takes it from the section; it can be set before the object is loaded.</summary>
    public BpfAttachType ExpectedAttachType
    {
        get => (BpfAttachType)LibBpf.bpf_program__expected_attach_type(Native);
        set
        {
            _owner.RequireNotLoaded();
            BpfException.ThrowIfFailed(
                LibBpf.bpf_program__set_expected_attach_type(_native, (bpf_attach_type)value), "set attach type of program", Name);
        }
    }

    /// <summary>
    /// The program in the kernel, once the object is loaded. It is closed with the object; links that run it keep it.
    /// </summary>
    /// <exception cref="InvalidOperationException">The object is not loaded, or the program was left out.</exception>
    public BpfProgram Program
    {
        get
        {
            _owner.RequireLoaded();
            return _program ??= Open();
        }
    }

    /// <summary>
    /// Its instructions as libbpf has them by now. Once the object is loaded, they are followed by the functions that they call, and
    /// calls are relative. Not to be kept beyond the object.
    /// </summary>
    public ReadOnlySpan<BpfInstruction> Instructions =>
        new(LibBpf.bpf_program__insns(Native), checked((int)LibBpf.bpf_program__insn_cnt(_native)));

    /// <summary>How many instructions the verifier walked through; 0 before Linux 5.16, which does not tell.</summary>
    public uint VerifiedInstructions => Program.ReadInfo().VerifiedInstructions;

    private bpf_program* Native
    {
        get
        {
            _owner.RequireOpen();
            return _native;
        }
    }

    internal void SetLog(byte* buffer, nuint size) => _ = LibBpf.bpf_program__set_log_buf(_native, (sbyte*)buffer, size);

    internal void Close() => _program?.Dispose();

    private BpfProgram Open()
    {
        int descriptor = LibBpf.bpf_program__fd(_native);
        return descriptor >= 0
            ? BpfProgram.Adopt(BpfDescriptor.Duplicate(descriptor, "program", Name), Name, ExpectedAttachType)
            : throw new InvalidOperationException($"program \"{Name}\" of object \"{_owner.Name}\" was not loaded");
    }
}
