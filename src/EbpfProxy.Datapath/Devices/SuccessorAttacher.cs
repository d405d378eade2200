using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>One way to attach that, once all is attached, removes what an earlier run attached by the other.</summary>
internal sealed class SuccessorAttacher(IDeviceAttacher chosen, Func<IDeviceAttacher> other) : IDeviceAttacher
{
    private bool _isOtherGone;

    public void Look() => chosen.Look();

    public AttachResult Ensure(NodeDevice device, TrafficDirection direction, BpfProgram program) => chosen.Ensure(device, direction, program);

    public void Remove(int device, TrafficDirection direction) => chosen.Remove(device, direction);

    public void RemoveOthers(IReadOnlySet<int> wanted)
    {
        chosen.RemoveOthers(wanted);
        if (!_isOtherGone)
        {
            using var predecessor = other();
            predecessor.RemoveOthers(new HashSet<int>());
            _isOtherGone = true;
        }
    }

    public void Dispose() => chosen.Dispose();
}
