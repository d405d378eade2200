using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>What was done to have a program at a device.</summary>
internal enum AttachResult
{
    Unchanged,
    Attached,
    Replaced,
}

/// <summary>One of the two ways by which programs are at devices. What is attached stays when this process ends.</summary>
internal interface IDeviceAttacher : IDisposable
{
    /// <summary>Looks at what there is, before devices are gone through.</summary>
    void Look();

    /// <summary>
    /// Makes <paramref name="program"/> the one of ours at the device: takes over what an earlier run left there, in one
    /// step, and puts back what somebody took away.
    /// </summary>
    /// <exception cref="IOException">It cannot be had there.</exception>
    AttachResult Ensure(NodeDevice device, TrafficDirection direction, BpfProgram program);

    /// <summary>Takes the program of ours off a device that may be gone.</summary>
    void Remove(int device, TrafficDirection direction);

    /// <summary>Removes what is left of devices other than these; what begins a translation first.</summary>
    void RemoveOthers(IReadOnlySet<int> wanted);
}
