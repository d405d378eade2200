namespace LibBpfSharp;

/// <summary>What the kernel says about a map. The name is cut to 15 characters there.</summary>
public sealed record BpfMapInfo(
    uint Id, BpfMapType Type, uint KeySize, uint ValueSize, uint MaxEntries, BpfMapFlags Flags, string Name)
{
    internal static unsafe BpfMapInfo Read(int descriptor, string name)
    {
        bpf_map_info info = default;
        uint size = (uint)sizeof(bpf_map_info);
        BpfException.ThrowIfFailed(LibBpf.bpf_obj_get_info_by_fd(descriptor, &info, &size), "read info of map", name);
        return new BpfMapInfo(
            info.id, (BpfMapType)info.type, info.key_size, info.value_size, info.max_entries, (BpfMapFlags)info.map_flags, LibC.Text(info.name));
    }
}
