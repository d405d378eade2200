using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>Which of the two ways to attach is used on this kernel.</summary>
internal static class DeviceAttachers
{
    public static bool IsTcxUsed(bool usesClsact) => !usesClsact && BpfProbe.Tcx == BpfFeature.Available;

    public static IDeviceAttacher Choose(DevicePins pins, bool usesClsact) => IsTcxUsed(usesClsact)
        ? new SuccessorAttacher(new TcxAttacher(pins), () => new ClsactAttacher(pins))
        : new SuccessorAttacher(new ClsactAttacher(pins), () => new TcxAttacher(pins));
}
