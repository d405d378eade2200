namespace LibBpfSharp;

/// <summary>A map that an object declares. It is in the kernel once the object is loaded, and belongs to the object.</summary>
public sealed unsafe class BpfObjectMap
{
    private readonly BpfObject _owner;
    private readonly bpf_map* _native;
    private BpfMap? _map;
    private bool _isReused;

    internal BpfObjectMap(BpfObject owner, bpf_map* native)
    {
        _owner = owner;
        _native = native;
        Name = LibC.Text(LibBpf.bpf_map__name(native));
    }

    /// <summary>The map's name in the object, not cut as the kernel cuts it.</summary>
    public string Name { get; }

    /// <summary>The map's type.</summary>
    public BpfMapType Type => (BpfMapType)LibBpf.bpf_map__type(Native);

    /// <summary>The size of a key in bytes.</summary>
    public uint KeySize => LibBpf.bpf_map__key_size(Native);

    /// <summary>The size of a value in bytes.</summary>
    public uint ValueSize => LibBpf.bpf_map__value_size(Native);

    /// <summary>How many elements fit. It can be set before the object is loaded.</summary>
    public uint MaxEntries
    {
        get => LibBpf.bpf_map__max_entries(Native);
        set
        {
            _owner.RequireNotLoaded();
            BpfException.ThrowIfFailed(LibBpf.bpf_map__set_max_entries(_native, value), "set max entries of map", Name);
        }
    }

    /// <summary>The map's flags. They can be set before the object is loaded.</summary>
    public BpfMapFlags Flags
    {
        get => (BpfMapFlags)LibBpf.bpf_map__map_flags(Native);
        set
        {
            _owner.RequireNotLoaded();
            BpfException.ThrowIfFailed(LibBpf.bpf_map__set_map_flags(_native, (uint)value), "set flags of map", Name);
        }
    }

    /// <summary>
    /// Whether loading the object creates the map. One that is not created must not be used by any program that is loaded. It can
    /// be set before the object is loaded.
    /// </summary>
    public bool AutoCreate
    {
        get => LibBpf.bpf_map__autocreate(Native);
        set
        {
            _owner.RequireNotLoaded();
            BpfException.ThrowIfFailed(LibBpf.bpf_map__set_autocreate(_native, value), "set auto-create of map", Name);
        }
    }

    /// <summary>The key's type in the object's BTF; 0 for none.</summary>
    public uint BtfKeyTypeId => LibBpf.bpf_map__btf_key_type_id(Native);

    /// <summary>The value's type in the object's BTF; 0 for none.</summary>
    public uint BtfValueTypeId => LibBpf.bpf_map__btf_value_type_id(Native);

    /// <summary>
    /// The map in the kernel, once the object is loaded. It is closed with the object; <see cref="BpfMap.Duplicate"/> gives one
    /// that is not.
    /// </summary>
    /// <exception cref="InvalidOperationException">The object is not loaded, or the map was not created.</exception>
    public BpfMap Map
    {
        get
        {
            _owner.RequireLoaded();
            return _map ??= Open();
        }
    }

    private bpf_map* Native
    {
        get
        {
            _owner.RequireOpen();
            return _native;
        }
    }

    /// <summary>
    /// Makes the object use <paramref name="map"/> instead of creating one, to be called before it is loaded. The map is
    /// duplicated and can be disposed afterwards.
    /// </summary>
    /// <exception cref="BpfException">The map cannot be read.</exception>
    public void Reuse(BpfMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        _owner.RequireNotLoaded();
        using var lease = new HandleLease(map);
        BpfException.ThrowIfFailed(LibBpf.bpf_map__reuse_fd(_native, lease.Descriptor), "reuse map", map.Name, $"as \"{Name}\"");
        _isReused = true;
    }

    internal void Close() => _map?.Dispose();

    private BpfMap Open()
    {
        // libbpf 1.4 and later hold the place of a map that they did not create with a file of another kind.
        int descriptor = AutoCreate || _isReused ? LibBpf.bpf_map__fd(_native) : -1;
        return descriptor >= 0
            ? BpfMap.Adopt(BpfDescriptor.Duplicate(descriptor, "map", Name), Name)
            : throw new InvalidOperationException($"map \"{Name}\" of object \"{_owner.Name}\" was not created");
    }
}
