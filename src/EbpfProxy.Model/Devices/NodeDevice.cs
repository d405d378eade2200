namespace EbpfProxy.Model.Devices;

/// <summary>A network device of the node, as the kernel describes it.</summary>
/// <param name="Index">The index, which a name may change beside and which is not used again at once.</param>
/// <param name="Name">The name.</param>
/// <param name="Hardware">The kind of link header (ARPHRD_*), which decides what a packet begins with.</param>
/// <param name="Kind">The kind of virtual device (veth, bridge, vlan, ...); empty for hardware.</param>
/// <param name="Master">The index of the bridge or bond that it is a port of; 0 for none.</param>
/// <param name="MasterKind">The kind of that device; empty for none.</param>
/// <param name="IsUp">Whether it is switched on.</param>
public sealed record NodeDevice(int Index, string Name, ushort Hardware, string Kind, int Master, string MasterKind, bool IsUp)
{
    /// <summary>The hardware address, the first byte in the highest of the lower 48 bits; 0 where packets have no link header.</summary>
    public ulong Mac { get; init; }

    /// <summary>Whether the other end of the device is in another network namespace.</summary>
    public bool HasForeignPeer { get; init; }

    /// <summary>Whether it is a tunnel that ends where the route of a packet says (<c>ip link add ... external</c>).</summary>
    public bool EndsByRoute { get; init; }

    /// <summary>Whether it is a bridge that was told, itself, to ask the rules for packets about what it passes on.</summary>
    public bool CallsNetfilter { get; init; }
}
