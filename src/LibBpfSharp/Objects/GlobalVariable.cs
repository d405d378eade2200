namespace LibBpfSharp;

/// <summary>Where the initial value of a global variable of an open object is.</summary>
internal readonly unsafe struct GlobalVariable
{
    private const uint KindDataSection = 15;
    private const int KindShift = 24;
    private const uint KindMask = 0x1f;
    private const uint CountMask = 0xffff;

    private GlobalVariable(byte* address, int length)
    {
        Address = address;
        Length = length;
    }

    public byte* Address { get; }

    public int Length { get; }

    /// <summary>
    /// Looks for the variable in the data sections (<c>.rodata</c>, <c>.data</c>, <c>.bss</c>) that BTF describes. The sections of
    /// maps and licence are of the same kind, but no map holds them, so they are passed over.
    /// </summary>
    public static GlobalVariable? Find(bpf_object* native, string name)
    {
        var types = LibBpf.bpf_object__btf(native);
        uint count = types == null ? 0 : LibBpf.btf__type_cnt(types);
        for (uint id = 1; id < count; id++)
        {
            var section = LibBpf.btf__type_by_id(types, id);
            if (((section->info >> KindShift) & KindMask) == KindDataSection && FindIn(native, types, section, name) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static GlobalVariable? FindIn(bpf_object* native, btf* types, btf_type* section, string name)
    {
        var map = LibBpf.bpf_object__find_map_by_name(native, LibBpf.btf__name_by_offset(types, section->name_off));
        if (map == null)
        {
            return null;
        }

        nuint size;
        byte* data = (byte*)LibBpf.bpf_map__initial_value(map, &size);
        var members = new ReadOnlySpan<btf_var_secinfo>(section + 1, (int)(section->info & CountMask));
        foreach (var member in members)
        {
            var variable = LibBpf.btf__type_by_id(types, member.type);
            if (data != null && member.offset + member.size <= size
                && LibC.Text(LibBpf.btf__name_by_offset(types, variable->name_off)) == name)
            {
                return new GlobalVariable(data + member.offset, (int)member.size);
            }
        }

        return null;
    }
}
