using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>Programs at devices by tcx (6.6): pinned links, before the programs that others had attached.</summary>
internal sealed class TcxAttacher(DevicePins pins) : IDeviceAttacher
{
    private readonly Dictionary<(int Device, TrafficDirection Direction), (string Pin, BpfLink Link)> _links = [];
    private readonly Dictionary<(int Device, TrafficDirection Direction), string> _left =
        pins.Read().GroupBy(pin => (pin.Device, pin.Direction)).ToDictionary(group => group.Key, group => group.First().Path);

    public void Look()
    {
        // Each link is asked by itself.
    }

    public AttachResult Ensure(NodeDevice device, TrafficDirection direction, BpfProgram program)
    {
        var key = (device.Index, direction);
        string path = pins.PathOf(direction, device.Index, device.Name);
        if (_links.TryGetValue(key, out var held))
        {
            if (held.Link.Info.InterfaceIndex == device.Index)
            {
                Rename(key, held, path);
                return AttachResult.Unchanged;
            }

            // Detached by somebody, or the link of a device that had this index before.
            Remove(device.Index, direction);
        }

        if (TryAdopt(key, path, program))
        {
            return AttachResult.Replaced;
        }

        var link = BpfLink.AttachTcx(
            program, new TcxAttachOptions { InterfaceIndex = device.Index, Direction = direction, Position = TcxPosition.First });
        try
        {
            File.Delete(path);
            link.Pin(path);
        }
        catch
        {
            link.Dispose();
            throw;
        }

        _links[key] = (path, link);
        return AttachResult.Attached;
    }

    public void Remove(int device, TrafficDirection direction)
    {
        if (_links.Remove((device, direction), out var held))
        {
            File.Delete(held.Pin);
            held.Link.Dispose();
        }

        if (_left.Remove((device, direction), out string? left))
        {
            File.Delete(left);
        }
    }

    public void RemoveOthers(IReadOnlySet<int> wanted)
    {
        foreach (var direction in DeviceProgramNames.Order.Reverse())
        {
            foreach (var (device, other) in _links.Keys.Where(key => key.Direction == direction && !wanted.Contains(key.Device)).ToArray())
            {
                Remove(device, other);
            }

            foreach (var key in _left.Keys.Where(key => key.Direction == direction && !wanted.Contains(key.Device)).ToArray())
            {
                Remove(key.Device, key.Direction);
            }
        }
    }

    public void Dispose()
    {
        foreach (var (_, link) in _links.Values)
        {
            link.Dispose();
        }
    }

    private void Rename((int Device, TrafficDirection Direction) key, (string Pin, BpfLink Link) held, string path)
    {
        if (held.Pin != path)
        {
            File.Move(held.Pin, path, overwrite: true);
            _links[key] = (path, held.Link);
        }
    }

    /// <summary>Takes over the link that an earlier run pinned, if it still is at this device; else removes its pin.</summary>
    private bool TryAdopt((int Device, TrafficDirection Direction) key, string path, BpfProgram program)
    {
        if (!_left.TryGetValue(key, out string? pin))
        {
            return false;
        }

        var link = BpfLink.TryOpenPinned(pin);
        try
        {
            if (link is null || !IsAt(link, key))
            {
                link?.Dispose();
                File.Delete(pin);
                _left.Remove(key);
                return false;
            }

            link.Update(program);
            _links[key] = (pin, link);
            Rename(key, (pin, link), path);
            _left.Remove(key);
            return true;
        }
        catch
        {
            // It is still left, for the next try or to be removed.
            _links.Remove(key);
            link?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether the link is at this very device: after a device went to another network namespace with its link, one here
    /// may have got the same index.
    /// </summary>
    private static bool IsAt(BpfLink link, (int Device, TrafficDirection Direction) key)
    {
        var info = link.Info;
        var type = key.Direction == TrafficDirection.Ingress ? BpfAttachType.TcxIngress : BpfAttachType.TcxEgress;
        return info.InterfaceIndex == key.Device
            && info.AttachType == type
            && BpfTcx.ReadProgramIds(key.Device, key.Direction).Contains(info.ProgramId);
    }
}
