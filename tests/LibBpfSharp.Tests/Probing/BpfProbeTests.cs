using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Probing;

public sealed class BpfProbeTests
{
    [KernelFact]
    public void A_helper_is_available_where_programs_may_call_it()
    {
        Assert.Equal(
            BpfFeature.Available,
            BpfProbe.Helper(bpf_func_id.BPF_FUNC_map_lookup_elem, BpfProgramType.CgroupSockAddr, BpfAttachType.CgroupInet4Connect));
        Assert.Equal(
            BpfFeature.Available,
            BpfProbe.Helper(bpf_func_id.BPF_FUNC_bind, BpfProgramType.CgroupSockAddr, BpfAttachType.CgroupInet4Connect));
    }

    [KernelFact]
    public void A_helper_is_not_supported_where_programs_may_not_call_it()
    {
        Assert.Equal(
            BpfFeature.NotSupported,
            BpfProbe.Helper(bpf_func_id.BPF_FUNC_bind, BpfProgramType.CgroupSockAddr, BpfAttachType.CgroupUdp4SendMsg));
        Assert.Equal(BpfFeature.NotSupported, BpfProbe.Helper(bpf_func_id.BPF_FUNC_xdp_adjust_head, BpfProgramType.SchedClassifier));
        Assert.Equal(BpfFeature.NotSupported, BpfProbe.Helper((bpf_func_id)100_000, BpfProgramType.Xdp));
    }

    [KernelFact]
    public void Types_are_available_or_not()
    {
        Assert.Equal(BpfFeature.Available, BpfProbe.MapType(BpfMapType.RingBuffer));
        Assert.Equal(BpfFeature.Available, BpfProbe.ProgramType(BpfProgramType.CgroupSockAddr));
        Assert.NotEqual(BpfFeature.Available, BpfProbe.MapType((BpfMapType)10_000));
        Assert.NotEqual(BpfFeature.Available, BpfProbe.ProgramType((BpfProgramType)10_000));
    }
}
