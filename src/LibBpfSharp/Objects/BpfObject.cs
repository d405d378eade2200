using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace LibBpfSharp;

/// <summary>
/// A compiled BPF object file: open, adjust, <see cref="Load"/>. Disposing it closes its maps and programs, those that
/// <see cref="BpfObjectMap.Map"/> and <see cref="BpfObjectProgram.Program"/> gave out included. What is pinned, or attached by a
/// link that is pinned or still open, goes on working.
/// </summary>
/// <remarks>Not thread-safe.</remarks>
public sealed unsafe class BpfObject : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly List<BpfObjectMap> _maps = [];
    private readonly List<BpfObjectProgram> _programs = [];
    private State _state;

    private BpfObject(bpf_object* native, string name)
        : base(ownsHandle: true)
    {
        SetHandle((nint)native);
        Name = name;
        for (var map = LibBpf.bpf_object__next_map(native, null); map != null; map = LibBpf.bpf_object__next_map(native, map))
        {
            _maps.Add(new BpfObjectMap(this, map));
        }

        for (var program = LibBpf.bpf_object__next_program(native, null); program != null;
            program = LibBpf.bpf_object__next_program(native, program))
        {
            _programs.Add(new BpfObjectProgram(this, program));
        }
    }

    private enum State
    {
        Open,
        Loaded,
        Failed,
    }

    /// <summary>The object's name.</summary>
    public string Name { get; }

    /// <summary>Whether <see cref="Load"/> succeeded.</summary>
    public bool IsLoaded => _state == State.Loaded;

    /// <summary>The maps that the object declares, those of its global variables (<c>.rodata</c> and so on) included.</summary>
    public IReadOnlyList<BpfObjectMap> Maps => _maps;

    /// <summary>The programs of the object.</summary>
    public IReadOnlyList<BpfObjectProgram> Programs => _programs;

    /// <summary>
    /// The descriptor of the object's BTF in the kernel, for <see cref="BpfMapOptions.BtfFd"/>; -1 if there is none. It belongs to
    /// the object, and is there once the object is loaded.
    /// </summary>
    public int BtfFd
    {
        get
        {
            RequireLoaded();
            return LibBpf.bpf_object__btf_fd(Native);
        }
    }

    private bpf_object* Native
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return (bpf_object*)handle;
        }
    }

    /// <summary>Opens an object that is in memory. Nothing goes into the kernel yet.</summary>
    /// <param name="elf">The object file; it is copied.</param>
    /// <param name="name">The object's name; its first letters are in the names of the maps that hold global variables.</param>
    /// <exception cref="BpfException">It is not a BPF object that libbpf understands.</exception>
    public static BpfObject Open(ReadOnlySpan<byte> elf, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        using var warnings = LibBpfLog.CaptureWarnings();
        fixed (byte* bytes = elf)
        fixed (byte* nativeName = LibC.CString(name))
        {
            bpf_object_open_opts options = new() { sz = (nuint)sizeof(bpf_object_open_opts), object_name = (sbyte*)nativeName };
            var native = LibBpf.bpf_object__open_mem(bytes, (nuint)elf.Length, &options);
            int errno = BpfException.LastError();
            return native != null ? new BpfObject(native, name) : throw new BpfException("open object", name, errno, details: warnings.Text);
        }
    }

    /// <summary>Opens an object file, named like the file without its endings. Nothing goes into the kernel yet.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static BpfObject OpenFile(string path)
    {
        string file = Path.GetFileName(path);
        return Open(File.ReadAllBytes(path), file.Split('.')[0]);
    }

    /// <summary>The map called <paramref name="name"/>.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public BpfObjectMap GetMap(string name)
        => _maps.Find(map => map.Name == name) ?? throw new KeyNotFoundException($"object \"{Name}\" has no map \"{name}\"");

    /// <summary>The program whose C function is called <paramref name="name"/>.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public BpfObjectProgram GetProgram(string name)
        => _programs.Find(program => program.Name == name)
            ?? throw new KeyNotFoundException($"object \"{Name}\" has no program \"{name}\"");

    /// <summary>
    /// Gives a global variable its value before the object is loaded. One that is <c>const volatile</c> is then a constant to the
    /// verifier, which drops the branches that it rules out.
    /// </summary>
    /// <exception cref="ArgumentException">The object has no such variable, or it is not of the size of <typeparamref name="T"/>.</exception>
    public void SetGlobal<T>(string variable, T value)
        where T : unmanaged
    {
        RequireNotLoaded();
        Unsafe.WriteUnaligned(FindGlobal<T>(variable).Address, value);
    }

    /// <summary>The value that a global variable has in the object before it is loaded.</summary>
    /// <exception cref="ArgumentException">The object has no such variable, or it is not of the size of <typeparamref name="T"/>.</exception>
    public T GetGlobal<T>(string variable)
        where T : unmanaged
    {
        RequireNotLoaded();
        return Unsafe.ReadUnaligned<T>(FindGlobal<T>(variable).Address);
    }

    /// <summary>Creates the maps, loads the programs and ties them together. An object that failed to load can only be disposed.</summary>
    /// <exception cref="BpfVerifierException">The verifier refused a program.</exception>
    /// <exception cref="BpfException">Anything else was refused; the message has libbpf's reason.</exception>
    public void Load()
    {
        RequireNotLoaded();
        using var logs = new VerifierLogs(_programs);
        using var warnings = LibBpfLog.CaptureWarnings();
        _state = State.Failed;
        int result = LibBpf.bpf_object__load(Native);
        if (result >= 0)
        {
            _state = State.Loaded;
            return;
        }

        throw (BpfException?)logs.Explain(-result) ?? new BpfException("load object", Name, -result, details: warnings.Text);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        LibBpf.bpf_object__close((bpf_object*)handle);
        return true;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _maps.ForEach(map => map.Close());
            _programs.ForEach(program => program.Close());
        }

        base.Dispose(disposing);
    }

    internal void RequireOpen() => ObjectDisposedException.ThrowIf(IsClosed, this);

    internal void RequireNotLoaded()
    {
        RequireOpen();
        if (_state != State.Open)
        {
            throw new InvalidOperationException($"object \"{Name}\" can be changed only before it is loaded");
        }
    }

    internal void RequireLoaded()
    {
        RequireOpen();
        if (_state != State.Loaded)
        {
            throw new InvalidOperationException($"object \"{Name}\" is not loaded");
        }
    }

    private GlobalVariable FindGlobal<T>(string variable)
        where T : unmanaged
    {
        ArgumentException.ThrowIfNullOrEmpty(variable);
        var place = GlobalVariable.Find(Native, variable)
            ?? throw new ArgumentException($"object \"{Name}\" has no global variable \"{variable}\"", nameof(variable));
        return place.Length == sizeof(T)
            ? place
            : throw new ArgumentException(
                $"global variable \"{variable}\" of object \"{Name}\" has {place.Length} bytes, but {typeof(T)} has {sizeof(T)}", nameof(variable));
    }
}
