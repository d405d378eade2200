namespace LibBpfSharp;

/// <summary>
/// A BPF map. Disposing it closes this descriptor only: a map that is pinned, or that a loaded program uses, lives on with its
/// content. The typed views (<see cref="BpfHashMap{TKey, TValue}"/> and its like) read and write it.
/// </summary>
public sealed unsafe class BpfMap : BpfDescriptor
{
    private readonly BpfMapInfo _info;

    private BpfMap(int descriptor, BpfMapInfo info)
        : base(descriptor)
    {
        _info = info;
    }

    /// <summary>The kernel's id of the map.</summary>
    public uint Id => _info.Id;

    /// <summary>The map's type.</summary>
    public BpfMapType Type => _info.Type;

    /// <summary>The size of a key in bytes.</summary>
    public uint KeySize => _info.KeySize;

    /// <summary>The size of a value in bytes.</summary>
    public uint ValueSize => _info.ValueSize;

    /// <summary>How many elements fit.</summary>
    public uint MaxEntries => _info.MaxEntries;

    /// <summary>The map's flags.</summary>
    public BpfMapFlags Flags => _info.Flags;

    /// <summary>The map's name, cut to 15 characters by the kernel.</summary>
    public override string Name => _info.Name;

    private protected override string Kind => "map";

    /// <summary>Creates a map.</summary>
    /// <exception cref="BpfException">The kernel refused it.</exception>
    public static BpfMap Create(BpfMapOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        bpf_map_create_opts native = new()
        {
            sz = (nuint)sizeof(bpf_map_create_opts),
            map_flags = (uint)options.Flags,
            btf_fd = (uint)options.BtfFd,
            btf_key_type_id = options.BtfKeyTypeId,
            btf_value_type_id = options.BtfValueTypeId,
        };
        using var inner = options.InnerMap is null ? default : new HandleLease(options.InnerMap);
        native.inner_map_fd = options.InnerMap is null ? 0 : (uint)inner.Descriptor;
        fixed (byte* name = LibC.CString(options.Name))
        {
            int descriptor = LibBpf.bpf_map_create(
                (bpf_map_type)options.Type, (sbyte*)name, options.KeySize, options.ValueSize, options.MaxEntries, &native);
            BpfException.ThrowIfFailed(descriptor, $"create {options.Type} map", options.Name);
            return Adopt(descriptor, options.Name);
        }
    }

    /// <summary>Opens the map pinned at <paramref name="path"/>.</summary>
    /// <exception cref="BpfException">Nothing is pinned there (ENOENT), or it cannot be opened.</exception>
    /// <exception cref="InvalidDataException">Something that is not a map is pinned there.</exception>
    public static BpfMap OpenPinned(string path) => Adopt(RequirePin(path, "map"), path);

    /// <summary>Opens the map pinned at <paramref name="path"/>; null if nothing is pinned there.</summary>
    /// <inheritdoc cref="OpenPinned" path="/exception"/>
    public static BpfMap? TryOpenPinned(string path)
    {
        int descriptor = OpenPin(path, "map");
        return descriptor < 0 ? null : Adopt(descriptor, path);
    }

    /// <summary>Opens the map with the kernel's id <paramref name="id"/>.</summary>
    /// <exception cref="BpfException">For example ENOENT: there is no such map any more.</exception>
    public static BpfMap FromId(uint id)
        => TryFromId(id) ?? throw new BpfException("open map", IdName(id), LibC.ENOENT);

    /// <summary>Opens the map with the kernel's id <paramref name="id"/>; null if there is no such map.</summary>
    public static BpfMap? TryFromId(uint id)
    {
        int descriptor = LibBpf.bpf_map_get_fd_by_id(id);
        if (descriptor == -LibC.ENOENT)
        {
            return null;
        }

        BpfException.ThrowIfFailed(descriptor, "open map", IdName(id));
        return Adopt(descriptor, IdName(id));
    }

    /// <summary>A second descriptor of the same map, with a life of its own.</summary>
    public BpfMap Duplicate()
    {
        using var lease = new HandleLease(this);
        return new BpfMap(DuplicateDescriptor(), _info);
    }

    /// <summary>Forbids user space, this process included, to change the map from now on. Programs may go on writing.</summary>
    public void Freeze()
    {
        using var lease = new HandleLease(this);
        BpfException.ThrowIfFailed(LibBpf.bpf_map_freeze(lease.Descriptor), "freeze map", Name);
    }

    /// <summary>Takes over an open descriptor, which is closed if it cannot be read.</summary>
    internal static BpfMap Adopt(int descriptor, string name)
    {
        try
        {
            return new BpfMap(descriptor, BpfMapInfo.Read(descriptor, name));
        }
        catch
        {
            _ = LibC.close(descriptor);
            throw;
        }
    }
}
