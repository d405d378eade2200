using System.Runtime.InteropServices;
using EbpfProxy.Model.Devices;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Node;

/// <summary>Reads devices, addresses and default routes by rtnetlink(7).</summary>
internal sealed class RouteNetlink : IDisposable
{
    private const ushort NewLink = 16;
    private const ushort GetLink = 18;
    private const ushort NewAddress = 20;
    private const ushort GetAddress = 22;
    private const ushort NewRoute = 24;
    private const ushort GetRoute = 26;
    private const byte FamilyIPv4 = 2;
    private const byte FamilyIPv6 = 10;

    // struct ifinfomsg: family, padding, hardware, index, flags, change.
    private const int LinkLength = 16;
    private const ushort LinkName = 3;
    private const ushort LinkMaster = 10;
    private const ushort LinkAddress = 1;
    private const ushort LinkNamespace = 37;
    private const ushort LinkInfo = 18;
    private const ushort InfoKind = 1;
    private const ushort InfoData = 2;
    private const ushort InfoMasterKind = 4;
    private const ushort LinkParts = 29; // IFLA_EXT_MASK
    private const uint WithoutCounters = 1 << 3; // RTEXT_FILTER_SKIP_STATS
    private const uint IsUp = 1;

    // struct ifaddrmsg: family, prefix length, flags, scope, index.
    private const int AddressLength = 8;
    private const ushort AddressOther = 1;
    private const ushort AddressLocal = 2;
    private const ushort AddressFlags = 8;
    private const uint IsSecondary = 0x01;
    private const uint IsUnusable = 0x08 | 0x20 | 0x40; // DADFAILED, DEPRECATED, TENTATIVE

    // struct rtmsg: family, destination length, source length, tos, table, protocol, scope, type, flags.
    private const int RouteLength = 12;
    private const ushort RouteDevice = 4;
    private const ushort RouteMetric = 6;
    private const ushort RouteHops = 9;
    private const byte MainTable = 254;
    private const byte Unicast = 1;

    // IFLA_BR_NF_CALL_IPTABLES and IFLA_BR_NF_CALL_IP6TABLES.
    private const ushort BridgeCallsNetfilter4 = 36;
    private const ushort BridgeCallsNetfilter6 = 37;

    // IFLA_VXLAN_, IFLA_GENEVE_, IFLA_GRE_ and IFLA_IPTUN_COLLECT_METADATA.
    private const ushort VxlanByRoute = 25;
    private const ushort GeneveByRoute = 6;
    private const ushort GreByRoute = 18;
    private const ushort IpByRoute = 19;

    // Of all bridges of the network namespace; there without br_netfilter as little as its rules.
    private static readonly string[] _bridgeSettings =
        ["/proc/sys/net/bridge/bridge-nf-call-iptables", "/proc/sys/net/bridge/bridge-nf-call-ip6tables"];

    private readonly NetlinkSocket _socket = new(isStrict: true);

    /// <summary>All of it. The parts are read one after the other, and may be of slightly different times.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public NodeNetwork Read() => new([.. ReadDevices()], [.. ReadAddresses()], [.. ReadDefaultRoutes()])
    {
        BridgesCallNetfilter = _bridgeSettings.Any(IsSet),
    };

    public IReadOnlyList<NodeDevice> ReadDevices()
    {
        // A request that says what it wants of a device has the kernel make room for the longest answer. Without, it ends the list before
        // a device that has more to tell than fits (a macvlan with thousands of addresses), and says that the list is whole.
        return _socket.Dump(
            GetLink, [.. new byte[LinkLength], .. NetlinkAttributes.Make(LinkParts, BitConverter.GetBytes(WithoutCounters))], NewLink, ToDevice);
    }

    public IReadOnlyList<DeviceAddress> ReadAddresses()
    {
        Span<byte> request = stackalloc byte[AddressLength];
        request.Clear();
        return _socket.Dump(GetAddress, request, NewAddress, ToAddress);
    }

    public IReadOnlyList<DefaultRoute> ReadDefaultRoutes() => [.. ReadDefaultRoutes(FamilyIPv4), .. ReadDefaultRoutes(FamilyIPv6)];

    public void Dispose() => _socket.Dispose();

    private List<DefaultRoute> ReadDefaultRoutes(byte family)
    {
        Span<byte> request = stackalloc byte[RouteLength];
        request.Clear();
        request[0] = family;
        request[4] = MainTable;
        try
        {
            return _socket.Dump(GetRoute, request, NewRoute, ToDefaultRoute);
        }
        catch (NetlinkException)
        {
            // A kernel without the family, or a namespace that never had a route of it.
            return [];
        }
    }

    private static NodeDevice? ToDevice(ReadOnlySpan<byte> body)
    {
        var attributes = body[LinkLength..];
        var info = NetlinkAttributes.Find(attributes, LinkInfo);
        string kind = NetlinkAttributes.ToText(NetlinkAttributes.Find(info, InfoKind));
        return new NodeDevice(
            MemoryMarshal.Read<int>(body[4..]),
            NetlinkAttributes.ToText(NetlinkAttributes.Find(attributes, LinkName)),
            MemoryMarshal.Read<ushort>(body[2..]),
            kind,
            (int)NetlinkAttributes.ToUInt32(NetlinkAttributes.Find(attributes, LinkMaster), 0),
            NetlinkAttributes.ToText(NetlinkAttributes.Find(info, InfoMasterKind)),
            (MemoryMarshal.Read<uint>(body[8..]) & IsUp) != 0)
        {
            Mac = ToMac(NetlinkAttributes.Find(attributes, LinkAddress)),
            HasForeignPeer = !NetlinkAttributes.Find(attributes, LinkNamespace).IsEmpty,
            EndsByRoute = EndsByRoute(kind, NetlinkAttributes.Find(info, InfoData)),
            CallsNetfilter = kind == "bridge" && CallsNetfilter(NetlinkAttributes.Find(info, InfoData)),
        };
    }

    /// <summary>IFLA_*_COLLECT_METADATA: of VXLAN a byte, of the others there or not.</summary>
    private static bool EndsByRoute(string kind, ReadOnlySpan<byte> data) => kind switch
    {
        "vxlan" => NetlinkAttributes.Find(data, VxlanByRoute) is [not 0],
        "geneve" => NetlinkAttributes.Has(data, GeneveByRoute),
        "gre" or "gretap" or "ip6gre" or "ip6gretap" or "erspan" or "ip6erspan" => NetlinkAttributes.Has(data, GreByRoute),
        "ipip" or "sit" or "ip6tnl" => NetlinkAttributes.Has(data, IpByRoute),
        _ => false,
    };

    private static bool CallsNetfilter(ReadOnlySpan<byte> bridge) =>
        NetlinkAttributes.Find(bridge, BridgeCallsNetfilter4) is [not 0] || NetlinkAttributes.Find(bridge, BridgeCallsNetfilter6) is [not 0];

    private static bool IsSet(string setting)
    {
        try
        {
            return File.ReadAllText(setting).Trim() != "0";
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static ulong ToMac(ReadOnlySpan<byte> bytes)
    {
        ulong mac = 0;
        foreach (byte part in bytes.Length == 6 ? bytes : [])
        {
            mac = (mac << 8) | part;
        }

        return mac;
    }

    private static DeviceAddress? ToAddress(ReadOnlySpan<byte> body)
    {
        var attributes = body[AddressLength..];

        // On a point-to-point device the other one is that of the other end.
        var address = NetlinkAttributes.ToAddress(NetlinkAttributes.Find(attributes, AddressLocal))
            ?? NetlinkAttributes.ToAddress(NetlinkAttributes.Find(attributes, AddressOther));
        if (address is null)
        {
            return null;
        }

        uint flags = NetlinkAttributes.ToUInt32(NetlinkAttributes.Find(attributes, AddressFlags), body[2]);
        return new DeviceAddress(
            MemoryMarshal.Read<int>(body[4..]),
            address.Value,
            body[1],
            (AddressScope)body[3],
            (flags & IsSecondary) != 0,
            (flags & IsUnusable) == 0);
    }

    private static DefaultRoute? ToDefaultRoute(ReadOnlySpan<byte> body)
    {
        var attributes = body[RouteLength..];
        if (body[1] != 0 || body[4] != MainTable || body[7] != Unicast)
        {
            return null;
        }

        // Of several next hops the first stands for all: struct rtnexthop has the index behind length, flags and weight.
        var hops = NetlinkAttributes.Find(attributes, RouteHops);
        uint device = NetlinkAttributes.ToUInt32(
            NetlinkAttributes.Find(attributes, RouteDevice), hops.Length >= 8 ? MemoryMarshal.Read<uint>(hops[4..]) : 0);
        return device == 0
            ? null
            : new DefaultRoute(
                body[0] == FamilyIPv4 ? IpFamily.IPv4 : IpFamily.IPv6,
                (int)device,
                NetlinkAttributes.ToUInt32(NetlinkAttributes.Find(attributes, RouteMetric), 0));
    }
}
