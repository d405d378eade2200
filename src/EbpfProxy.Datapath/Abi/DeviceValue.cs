using System.Runtime.InteropServices;

namespace EbpfProxy.Datapath.Abi;

/// <summary>The bits of <c>enum device_flag</c>.</summary>
[Flags]
internal enum DeviceFlags : uint
{
    None = 0,

    /// <summary>What comes in there is from a pod of this node.</summary>
    LocalPods = 1 << 0,

    /// <summary>A veth whose other end is in another namespace: a pod.</summary>
    HasPeer = 1 << 1,

    /// <summary>A port of a bridge that asks no rules for packets.</summary>
    Bridged = 1 << 2,

    /// <summary>A port of a bridge or switch: what comes in has the hardware address of that, and is for this node all the same.</summary>
    Port = 1 << 3,
}

/// <summary>Mirrors <c>struct device</c>; the hardware address in network order, in two parts of 4 and 2 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct DeviceValue(
    AddressKey IPv4, AddressKey IPv6, DeviceFlags Flags, uint MacFirst, ushort MacLast, ushort Reserved);
