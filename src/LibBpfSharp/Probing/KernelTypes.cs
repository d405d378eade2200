namespace LibBpfSharp;

/// <summary>Where a member of a struct of the kernel is.</summary>
/// <param name="BitOffset">Its first bit, from the beginning of the struct.</param>
/// <param name="IsBitField">Whether it is a bit field.</param>
public readonly record struct KernelMember(uint BitOffset, bool IsBitField);

/// <summary>The types of the running kernel, by its BTF. They take some megabytes until they are disposed of.</summary>
public sealed unsafe class KernelTypes : IDisposable
{
    private const uint KindStruct = 4;
    private const uint KindFunction = 12;
    private const uint CountMask = 0xffff;
    private const uint HasBitFields = 1u << 31;
    private const int BitFieldShift = 24;

    private btf* _native;

    private KernelTypes(btf* native)
    {
        _native = native;
    }

    /// <summary>Reads them; null where the kernel does not describe its types (CONFIG_DEBUG_INFO_BTF).</summary>
    public static KernelTypes? TryLoad()
    {
        using var quiet = LibBpfLog.CaptureWarnings();
        var native = LibBpf.btf__load_vmlinux_btf();
        return native == null ? null : new KernelTypes(native);
    }

    /// <summary>A member of a struct, not of those within it; null where there is none.</summary>
    public KernelMember? FindMember(string structure, string member)
    {
        ObjectDisposedException.ThrowIf(_native == null, this);
        int id;
        fixed (byte* name = System.Text.Encoding.UTF8.GetBytes(structure + '\0'))
        {
            id = LibBpf.btf__find_by_name_kind(_native, (sbyte*)name, KindStruct);
        }

        if (id < 0)
        {
            return null;
        }

        var type = LibBpf.btf__type_by_id(_native, (uint)id);
        bool hasBitFields = (type->info & HasBitFields) != 0;
        foreach (var candidate in new ReadOnlySpan<btf_member>(type + 1, (int)(type->info & CountMask)))
        {
            if (LibC.Text(LibBpf.btf__name_by_offset(_native, candidate.name_off)) == member)
            {
                return hasBitFields
                    ? new KernelMember(candidate.offset & ((1u << BitFieldShift) - 1), candidate.offset >> BitFieldShift != 0)
                    : new KernelMember(candidate.offset, IsBitField: false);
            }
        }

        return null;
    }

    /// <summary>Whether the kernel, or a module that is loaded, describes a function.</summary>
    /// <param name="function">The function's name.</param>
    /// <param name="module">The module that has it where the kernel itself has not.</param>
    public bool HasFunction(string function, string module)
    {
        ObjectDisposedException.ThrowIf(_native == null, this);
        if (HasFunction(_native, function))
        {
            return true;
        }

        using var quiet = LibBpfLog.CaptureWarnings();
        btf* types;
        fixed (byte* name = System.Text.Encoding.UTF8.GetBytes(module + '\0'))
        {
            types = LibBpf.btf__load_module_btf((sbyte*)name, _native);
        }

        bool hasFunction = types != null && HasFunction(types, function);
        LibBpf.btf__free(types);
        return hasFunction;
    }

    /// <summary>Frees the types.</summary>
    public void Dispose()
    {
        LibBpf.btf__free(_native);
        _native = null;
    }

    private static bool HasFunction(btf* types, string function)
    {
        fixed (byte* name = System.Text.Encoding.UTF8.GetBytes(function + '\0'))
        {
            return LibBpf.btf__find_by_name_kind(types, (sbyte*)name, KindFunction) > 0;
        }
    }
}
