using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>
/// Programs at devices by filters of a clsact qdisc, before tcx. There is no link: a filter is told to be ours by its
/// handle and the name of its program, and replaced in one step. A qdisc that is there is used; one that we make is
/// marked, to be removed when it is empty.
/// </summary>
internal sealed class ClsactAttacher(DevicePins pins) : IDeviceAttacher
{
    /// <summary>The number of our filters among those of their priority.</summary>
    public const uint Handle = 0xebf0;

    private const uint FirstPriority = 1;
    private const uint LastPriority = 49;
    private const ushort AllProtocols = 3;

    private readonly TrafficControlNetlink _netlink = new();
    private readonly HashSet<int> _devices = [];
    private Dictionary<int, string> _hooks = [];

    public void Look() => _hooks = _netlink.ReadHookKinds();

    public AttachResult Ensure(NodeDevice device, TrafficDirection direction, BpfProgram program)
    {
        EnsureQdisc(device);
        _devices.Add(device.Index);
        var filters = _netlink.ReadFilters(device.Index, direction);
        var ours = filters.FirstOrDefault(filter => IsOurs(filter, direction));
        if (ours?.ProgramId == program.Id)
        {
            return AttachResult.Unchanged;
        }

        BpfTrafficControl.Attach(program, new TrafficControlAttachOptions
        {
            InterfaceIndex = device.Index,
            Direction = direction,
            Handle = Handle,
            Priority = ours?.Priority ?? FreePriority(filters, device),
            Replace = ours is not null,
        });
        return ours is null ? AttachResult.Attached : AttachResult.Replaced;
    }

    public void Remove(int device, TrafficDirection direction)
    {
        Look();
        RemoveFilter(_netlink, _hooks, device, direction);
        if (direction == DeviceProgramNames.Order[0])
        {
            RemoveQdisc(_netlink, _hooks, pins, device);
            _devices.Remove(device);
        }
    }

    public void RemoveOthers(IReadOnlySet<int> wanted)
    {
        // Also what an earlier run left; what was at devices that are gone went with them.
        Look();
        int[] others = [.. _hooks.Keys.Where(device => !wanted.Contains(device))];
        foreach (var direction in DeviceProgramNames.Order.Reverse())
        {
            foreach (int device in others)
            {
                RemoveFilter(_netlink, _hooks, device, direction);
            }
        }

        foreach (int device in pins.ReadMarkedQdiscs().Where(device => !wanted.Contains(device)))
        {
            RemoveQdisc(_netlink, _hooks, pins, device);
        }

        _devices.IntersectWith(wanted);
    }

    public void Dispose() => _netlink.Dispose();

    public static bool IsOurs(DeviceFilter filter, TrafficDirection direction) =>
        filter.Handle == Handle && filter.Kind == "bpf" && DeviceProgramNames.IsOurs(filter.Name, direction);

    /// <summary>Takes our filter off a device. Returns whether it was there.</summary>
    public static bool RemoveFilter(
        TrafficControlNetlink netlink, IReadOnlyDictionary<int, string> hooks, int device, TrafficDirection direction)
    {
        // At another qdisc the kernel shows the same filters for both directions, and none of them is ours.
        if (hooks.GetValueOrDefault(device) != TrafficControlNetlink.Clsact)
        {
            return false;
        }

        var ours = netlink.ReadFilters(device, direction).Where(filter => IsOurs(filter, direction)).ToArray();
        foreach (var filter in ours)
        {
            BpfTrafficControl.Detach(new TrafficControlFilter(device, direction, filter.Handle, filter.Priority, filter.ProgramId));
        }

        return ours.Length > 0;
    }

    /// <summary>Removes the qdisc if we made it and nobody else uses it.</summary>
    public static void RemoveQdisc(
        TrafficControlNetlink netlink, IReadOnlyDictionary<int, string> hooks, DevicePins pins, int device)
    {
        if (!pins.IsQdiscMarked(device))
        {
            return;
        }

        if (hooks.GetValueOrDefault(device) == TrafficControlNetlink.Clsact
            && DeviceProgramNames.Order.All(direction => netlink.ReadFilters(device, direction).Count == 0))
        {
            BpfTrafficControl.RemoveClsact(device);
        }

        pins.UnmarkQdisc(device);
    }

    private void EnsureQdisc(NodeDevice device)
    {
        switch (_hooks.GetValueOrDefault(device.Index))
        {
            case TrafficControlNetlink.Clsact:
                return;
            case { } other:
                // Its filters are somebody's, and it has no egress, without which nothing can be translated back.
                throw new IOException($"there is a qdisc of kind {other}, beside which there is no room for clsact");
            case null:
                pins.UnmarkQdisc(device.Index);
                if (BpfTrafficControl.EnsureClsact(device.Index))
                {
                    pins.MarkQdisc(device.Index, device.Name);
                }

                _hooks[device.Index] = TrafficControlNetlink.Clsact;
                return;
        }
    }

    /// <summary>The first priority that is free, or where programs of others are: there ours comes before them.</summary>
    private static uint FreePriority(IReadOnlyList<DeviceFilter> filters, NodeDevice device)
    {
        for (uint priority = FirstPriority; priority <= LastPriority; priority++)
        {
            if (filters.Where(filter => filter.Priority == priority).All(filter => filter.Kind == "bpf" && filter.Protocol == AllProtocols))
            {
                return priority;
            }
        }

        throw new IOException($"no priority from {FirstPriority} to {LastPriority} is free at {device.Name}");
    }
}
