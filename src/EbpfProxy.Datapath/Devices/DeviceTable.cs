using System.Buffers.Binary;
using EbpfProxy.Datapath.Abi;
using EbpfProxy.Datapath.Tables;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Devices;

/// <summary>
/// The table of devices: ifindex -> what a packet that comes or goes there needs to know. A row is more than one word, and
/// a program copies it word by word; it is never torn all the same. The kernel replaces a row by linking a new element
/// before it unlinks the old one, and <see cref="HashTable{TKey, TValue}"/> lets a grace period pass before the old one is
/// used again: who found it reads what it was to the end.
/// </summary>
internal sealed class DeviceTable(IHashTable<uint, DeviceValue> table, LocalPodDevices localPods)
{
    private Dictionary<uint, DeviceValue>? _rows;

    /// <summary>Writes the rows of devices that are new or changed. They are there before a program asks for them.</summary>
    public void Write(NodeNetwork network, IEnumerable<NodeDevice> devices)
    {
        _rows ??= table.ReadAll().ToDictionary(row => row.Key, row => row.Value);
        foreach (var device in devices)
        {
            var row = RowOf(network, device, localPods);
            if (!_rows.TryGetValue((uint)device.Index, out var held) || held != row)
            {
                table.Put((uint)device.Index, row);
                _rows[(uint)device.Index] = row;
            }
        }
    }

    /// <summary>Removes the rows of all but these devices.</summary>
    public void RemoveOthers(IEnumerable<NodeDevice> devices)
    {
        var wanted = devices.Select(device => (uint)device.Index).ToHashSet();
        foreach (uint index in _rows?.Keys.Where(index => !wanted.Contains(index)).ToArray() ?? [])
        {
            table.Remove(index);
            _rows!.Remove(index);
        }
    }

    public static DeviceValue RowOf(NodeNetwork network, NodeDevice device, LocalPodDevices localPods) => new(
        AddressOf(network, device, IpFamily.IPv4),
        AddressOf(network, device, IpFamily.IPv6),
        FlagsOf(network, device, localPods),
        BinaryPrimitives.ReverseEndianness((uint)(device.Mac >> 16)),
        BinaryPrimitives.ReverseEndianness((ushort)device.Mac),
        Reserved: 0);

    private static DeviceFlags FlagsOf(NodeNetwork network, NodeDevice device, LocalPodDevices localPods) =>
        (localPods.Includes(device, network) ? DeviceFlags.LocalPods : DeviceFlags.None)
        | (LeadsToPod(network, device) ? DeviceFlags.HasPeer : DeviceFlags.None)
        | (network.IsPortPastNetfilter(device) ? DeviceFlags.Bridged : DeviceFlags.None)
        | (device.MasterKind is "bridge" or "openvswitch" ? DeviceFlags.Port : DeviceFlags.None);

    /// <summary>A node that is a container itself has an uplink of the same kind.</summary>
    private static bool LeadsToPod(NodeNetwork network, NodeDevice device) =>
        device is { Kind: "veth", HasForeignPeer: true } && network.DefaultRoutes.All(route => route.Device != device.Index);

    private static AddressKey AddressOf(NodeNetwork network, NodeDevice device, IpFamily family) =>
        MasqueradeAddress.Choose(network, device, family) is { } address ? AddressKey.From(address) : default;
}
