using System.Globalization;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Devices;
using LibBpfSharp;

namespace EbpfProxy.Datapath.Devices;

/// <summary>A program of ours at a device, and the programs of others around it.</summary>
/// <param name="Device">The device's name.</param>
/// <param name="Kind">The kind of virtual device (veth, bridge, vlan, ...); empty for hardware.</param>
/// <param name="Direction">ingress or egress.</param>
/// <param name="Place">How it is attached: "tcx first", "tcx 2 of 3", "clsact prio 1 handle 0xebf0".</param>
/// <param name="Before">Those that packets meet before.</param>
/// <param name="After">Those that they meet after, where ours does not decide.</param>
/// <param name="ProgramId">The kernel's id of ours.</param>
public sealed record DeviceHookRow(
    string Device, string Kind, string Direction, string Place, IReadOnlyList<string> Before, IReadOnlyList<string> After, uint ProgramId);

/// <summary>Reads what is attached to the devices of this network namespace; needs no daemon, and changes nothing.</summary>
public static class DeviceHookView
{
    /// <summary>All programs of ours, by device.</summary>
    public static IReadOnlyList<DeviceHookRow> Read(string bpfFileSystem) =>
        [.. Read(new DevicePins(Path.Combine(DatapathOptions.PinRootOf(bpfFileSystem), "links"))).Select(found => found.Row)];

    /// <summary>The indexes of the devices that have a program of ours, whoever put it there.</summary>
    internal static IEnumerable<int> ReadHeld(DevicePins pins) => Read(pins).Select(found => found.Index).Distinct();

    private static List<(int Index, DeviceHookRow Row)> Read(DevicePins devicePins)
    {
        var pins = devicePins.Read().ToLookup(pin => (pin.Device, pin.Direction));
        using var netlink = new TrafficControlNetlink();
        var hooks = netlink.ReadHookKinds();
        var rows = new List<(int Index, DeviceHookRow Row)>();
        foreach (var device in NodeNetworkWatcher.Read().Devices)
        {
            bool hasFilters = hooks.GetValueOrDefault(device.Index) == TrafficControlNetlink.Clsact;
            foreach (var direction in DeviceProgramNames.Order.Reverse())
            {
                var filters = hasFilters ? netlink.ReadFilters(device.Index, direction) : [];
                var row = pins[(device.Index, direction)].Select(pin => FindLink(device, pin, filters)).FirstOrDefault(row => row is not null)
                    ?? FindFilter(device, direction, filters);
                if (row is not null)
                {
                    rows.Add((device.Index, row));
                }
            }
        }

        return rows;
    }

    private static DeviceHookRow? FindLink(NodeDevice device, DevicePin pin, IReadOnlyList<DeviceFilter> filters)
    {
        using var link = BpfLink.TryOpenPinned(pin.Path);
        var info = link?.Info;
        if (info?.InterfaceIndex != pin.Device)
        {
            return null;
        }

        uint[] ids = [.. BpfTcx.ReadProgramIds(pin.Device, pin.Direction)];
        int place = Array.IndexOf(ids, info.ProgramId);
        return place < 0 ? null : new DeviceHookRow(
            device.Name,
            device.Kind,
            DeviceProgramNames.Word(pin.Direction),
            place == 0 ? "tcx first" : string.Create(CultureInfo.InvariantCulture, $"tcx {place + 1} of {ids.Length}"),
            [.. ids[..place].Select(NameOf)],
            [.. ids[(place + 1)..].Select(NameOf), .. filters.Select(NameOf).OfType<string>()],
            info.ProgramId);
    }

    private static DeviceHookRow? FindFilter(NodeDevice device, TrafficDirection direction, IReadOnlyList<DeviceFilter> filters)
    {
        var ours = filters.FirstOrDefault(filter => ClsactAttacher.IsOurs(filter, direction));
        if (ours is null)
        {
            return null;
        }

        var before = filters.TakeWhile(filter => filter != ours);
        return new DeviceHookRow(
            device.Name,
            device.Kind,
            DeviceProgramNames.Word(direction),
            string.Create(CultureInfo.InvariantCulture, $"clsact prio {ours.Priority} handle 0x{ours.Handle:x}"),
            [.. BpfTcx.ReadProgramIds(device.Index, direction).Select(NameOf), .. before.Select(NameOf).OfType<string>()],
            [.. filters.SkipWhile(filter => filter != ours).Skip(1).Select(NameOf).OfType<string>()],
            ours.ProgramId);
    }

    private static string NameOf(uint program)
    {
        using var opened = BpfProgram.TryFromId(program);
        return opened is { Name.Length: > 0 } ? opened.Name : string.Create(CultureInfo.InvariantCulture, $"program {program}");
    }

    /// <summary>Null for a row that stands for the priority itself.</summary>
    private static string? NameOf(DeviceFilter filter)
    {
        if (filter.Kind == "bpf" && filter.Handle == 0)
        {
            return null;
        }

        return filter.Name.Length > 0 ? filter.Name : filter.Kind;
    }
}
