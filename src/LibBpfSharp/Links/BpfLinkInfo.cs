namespace LibBpfSharp;

/// <summary>What the kernel says about a link.</summary>
/// <param name="Id">The kernel's id of the link.</param>
/// <param name="ProgramId">The kernel's id of the program that the link runs.</param>
/// <param name="Type">The link's type.</param>
/// <param name="AttachType">Where the program is attached; null if links of this type do not tell.</param>
/// <param name="CgroupId">The cgroup of a cgroup link (its inode number in cgroup v2); null for other links, 0 once the cgroup is gone.</param>
/// <param name="InterfaceIndex">The device of an XDP or tcx link; null for other links, 0 once the device is gone.</param>
public sealed record BpfLinkInfo(
    uint Id, uint ProgramId, BpfLinkType Type, BpfAttachType? AttachType, ulong? CgroupId, uint? InterfaceIndex)
{
    internal static unsafe BpfLinkInfo Read(int descriptor, string name)
    {
        bpf_link_info info = default;
        uint size = (uint)sizeof(bpf_link_info);
        BpfException.ThrowIfFailed(LibBpf.bpf_obj_get_info_by_fd(descriptor, &info, &size), "read info of link", name);
        uint id = info.id;
        uint program = info.prog_id;
        var type = (BpfLinkType)info.type;
        var detail = info.Anonymous;
        return type switch
        {
            BpfLinkType.Cgroup => Of(detail.cgroup.attach_type, cgroup: detail.cgroup.cgroup_id),
            BpfLinkType.Tcx => Of(detail.tcx.attach_type, device: detail.tcx.ifindex),
            BpfLinkType.Xdp => Of((uint)BpfAttachType.Xdp, device: detail.xdp.ifindex),
            BpfLinkType.Tracing => Of(detail.tracing.attach_type),
            BpfLinkType.NetworkNamespace => Of(detail.netns.attach_type),
            _ => Of(attachType: null),
        };

        BpfLinkInfo Of(uint? attachType, ulong? cgroup = null, uint? device = null)
            => new(id, program, type, (BpfAttachType?)attachType, cgroup, device);
    }
}
