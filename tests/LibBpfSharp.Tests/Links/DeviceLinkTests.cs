using EbpfProxy.Testing.Kernel;

namespace LibBpfSharp.Tests.Links;

/// <summary>Programs at the loopback device of a network namespace of their own.</summary>
public sealed class DeviceLinkTests : IDisposable
{
    private const int NoSuchDevice = 4711;

    private readonly BpfObject _sample = Sample.Load();
    private readonly ScratchNetworkNamespace _network = new();

    private BpfProgram Classifier => _sample.GetProgram("read_table").Program;

    [KernelFact]
    public void Tcx_programs_stand_first_or_last()
    {
        _network.Invoke(() =>
        {
            using var middle = BpfLink.AttachTcx(Classifier, Tcx(TcxPosition.Last));
            using var last = BpfLink.AttachTcx(_sample.GetProgram("read_globals").Program, Tcx(TcxPosition.Last));
            using var first = BpfLink.AttachTcx(_sample.GetProgram("read_number").Program, Tcx(TcxPosition.First));

            uint[] order = [first.Info.ProgramId, middle.Info.ProgramId, last.Info.ProgramId];

            Assert.Equal(order, QueryTcx());
            Assert.Equal((BpfLinkType.Tcx, BpfAttachType.TcxIngress, (uint?)ScratchNetworkNamespace.Loopback), Describe(first));
        });
    }

    [KernelFact]
    public void A_device_that_is_not_there_is_named()
    {
        _network.Invoke(() =>
        {
            var tcx = Assert.Throws<BpfException>(() => BpfLink.AttachTcx(
                Classifier, new TcxAttachOptions { InterfaceIndex = NoSuchDevice, Direction = TrafficDirection.Egress }));
            var xdp = Assert.Throws<BpfException>(() => BpfLink.AttachXdp(
                _sample.GetProgram("pass").Program, new XdpAttachOptions { InterfaceIndex = NoSuchDevice }));

            Assert.Equal("attach tcx egress \"read_table\" to device 4711: ENODEV (No such device)", tcx.Message);
            Assert.StartsWith("attach xdp \"pass\" to device 4711: E", xdp.Message, StringComparison.Ordinal);
        });
    }

    [KernelFact]
    public void This_kernels_tcx_is_found_by_asking()
    {
        Assert.Equal(OperatingSystem.IsOSPlatformVersionAtLeast("linux", 6, 6) ? BpfFeature.Available : BpfFeature.NotSupported, BpfProbe.Tcx);
    }

    [KernelFact]
    public void An_xdp_program_is_attached_once()
    {
        _network.Invoke(() =>
        {
            var options = new XdpAttachOptions { InterfaceIndex = ScratchNetworkNamespace.Loopback, Mode = XdpMode.Generic };
            using var link = BpfLink.AttachXdp(_sample.GetProgram("pass").Program, options);

            var failure = Assert.Throws<BpfException>(() => BpfLink.AttachXdp(_sample.GetProgram("pass").Program, options));

            Assert.Equal((BpfLinkType.Xdp, BpfAttachType.Xdp, (uint?)ScratchNetworkNamespace.Loopback), Describe(link));
            Assert.Equal("attach xdp \"pass\" to device 1: EBUSY (Device or resource busy)", failure.Message);
        });
    }

    [KernelFact]
    public void A_clsact_filter_is_attached_replaced_queried_and_detached()
    {
        _network.Invoke(() =>
        {
            Assert.True(BpfTrafficControl.EnsureClsact(ScratchNetworkNamespace.Loopback));
            Assert.False(BpfTrafficControl.EnsureClsact(ScratchNetworkNamespace.Loopback));
            var options = new TrafficControlAttachOptions
            {
                InterfaceIndex = ScratchNetworkNamespace.Loopback,
                Direction = TrafficDirection.Egress,
                Handle = 1,
                Priority = 10,
            };
            var filter = BpfTrafficControl.Attach(Classifier, options);
            var taken = Assert.Throws<BpfException>(() => BpfTrafficControl.Attach(Classifier, options));
            var replacing = BpfTrafficControl.Attach(_sample.GetProgram("read_globals").Program, options with { Replace = true });
            var found = Query();
            BpfTrafficControl.Detach(replacing);

            Assert.Equal((1u, 10u, Classifier.Id), (filter.Handle, filter.Priority, filter.ProgramId));
            Assert.Equal(LibC.EEXIST, taken.Errno);
            Assert.Equal(_sample.GetProgram("read_globals").Program.Id, found?.ProgramId);
            Assert.Null(Query());
            BpfTrafficControl.RemoveClsact(ScratchNetworkNamespace.Loopback);
            Assert.Null(Query());
        });
    }

    public void Dispose()
    {
        _network.Dispose();
        _sample.Dispose();
    }

    private static TrafficControlFilter? Query()
        => BpfTrafficControl.Query(ScratchNetworkNamespace.Loopback, TrafficDirection.Egress, handle: 1, priority: 10);

    private static TcxAttachOptions Tcx(TcxPosition position) => new()
    {
        InterfaceIndex = ScratchNetworkNamespace.Loopback,
        Direction = TrafficDirection.Ingress,
        Position = position,
    };

    private static (BpfLinkType Type, BpfAttachType? AttachType, uint? Device) Describe(BpfLink link)
        => (link.Info.Type, link.Info.AttachType, link.Info.InterfaceIndex);

    private static unsafe uint[] QueryTcx()
    {
        uint[] ids = new uint[8];
        uint count = (uint)ids.Length;
        uint flags;
        fixed (uint* first = ids)
        {
            BpfException.ThrowIfFailed(
                LibBpf.bpf_prog_query(ScratchNetworkNamespace.Loopback, bpf_attach_type.BPF_TCX_INGRESS, 0, &flags, first, &count), "query", "tcx");
        }

        return ids[..(int)count];
    }
}
