namespace LibBpfSharp;

/// <summary>A map to create.</summary>
public sealed record BpfMapOptions
{
    /// <summary>The map's type.</summary>
    public required BpfMapType Type { get; init; }

    /// <summary>The map's name; the kernel keeps 15 characters of letters, digits, '_' and '.'.</summary>
    public string Name { get; init; } = "";

    /// <summary>The size of a key in bytes.</summary>
    public required uint KeySize { get; init; }

    /// <summary>The size of a value in bytes.</summary>
    public required uint ValueSize { get; init; }

    /// <summary>How many elements fit.</summary>
    public required uint MaxEntries { get; init; }

    /// <summary>Flags of the map.</summary>
    public BpfMapFlags Flags { get; init; }

    /// <summary>The BTF that describes key and value (<see cref="BpfObject.BtfFd"/>), 0 for none.</summary>
    public int BtfFd { get; init; }

    /// <summary>The key's type in that BTF.</summary>
    public uint BtfKeyTypeId { get; init; }

    /// <summary>The value's type in that BTF.</summary>
    public uint BtfValueTypeId { get; init; }

    /// <summary>For a map of maps: a map like those that it shall hold. It is only looked at, and can be disposed afterwards.</summary>
    public BpfMap? InnerMap { get; init; }
}
