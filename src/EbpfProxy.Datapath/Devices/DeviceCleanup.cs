using EbpfProxy.Datapath.Node;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>Takes what is ours off the devices, without a daemon: links by their pins, filters by handle and program.</summary>
internal sealed class DeviceCleanup(string links) : IDisposable
{
    private readonly DevicePins _pins = new(links);
    private readonly TrafficControlNetlink _netlink = new();

    /// <summary>Removes the programs of one direction. Returns whether there were any.</summary>
    public bool Remove(TrafficDirection direction)
    {
        bool wasThere = false;
        foreach (var pin in _pins.Read().Where(pin => pin.Direction == direction))
        {
            File.Delete(pin.Path);
            wasThere = true;
        }

        var hooks = _netlink.ReadHookKinds();
        foreach (int device in hooks.Keys)
        {
            wasThere |= ClsactAttacher.RemoveFilter(_netlink, hooks, device, direction);
        }

        return wasThere;
    }

    /// <summary>Removes the qdiscs that we made and nobody else uses.</summary>
    public void RemoveQdiscs()
    {
        var hooks = _netlink.ReadHookKinds();
        foreach (int device in _pins.ReadMarkedQdiscs())
        {
            ClsactAttacher.RemoveQdisc(_netlink, hooks, _pins, device);
        }
    }

    public void Dispose() => _netlink.Dispose();
}
