using System.Buffers.Binary;
using System.Runtime.InteropServices;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.KubeProxy;

/// <summary>A virtual server of IPVS.</summary>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="Address">What is asked.</param>
/// <param name="Port">What is asked.</param>
internal sealed record VirtualServer(Protocol Protocol, Address Address, ushort Port)
{
    /// <summary>The attributes that name it to the kernel.</summary>
    public required byte[] Name { get; init; }
}

/// <summary>Reads and deletes virtual servers of IPVS by generic netlink. There are none where the kernel has no IPVS in use.</summary>
internal sealed class IpvsNetlink : IDisposable
{
    private const ushort Control = 0x10;
    private const byte GetFamily = 3;
    private const ushort FamilyId = 1;
    private const ushort FamilyName = 2;

    // IPVS_CMD_*.
    private const byte DeleteService = 3;
    private const byte GetService = 4;
    private const byte GetDestination = 8;

    // IPVS_CMD_ATTR_*.
    private const ushort Service = 1;
    private const ushort Destination = 2;

    // IPVS_SVC_ATTR_*.
    private const ushort ServiceFamily = 1;
    private const ushort ServiceProtocol = 2;
    private const ushort ServiceAddress = 3;
    private const ushort ServicePort = 4;
    private const ushort ServiceMark = 5;

    // IPVS_DEST_ATTR_*.
    private const ushort ActiveConnections = 7;
    private const ushort InactiveConnections = 8;

    // struct genlmsghdr: command, version, reserved.
    private const int MessageLength = 4;
    private const int Netlink = 16;
    private const ushort IPv6 = 10;
    private const ushort Nested = 0x8000;
    private const int NoSuchServer = 3; // ESRCH

    private readonly NetlinkSocket _socket = new(protocol: Netlink);
    private readonly ushort _family;

    /// <exception cref="IOException">The kernel refuses.</exception>
    public IpvsNetlink()
    {
        // All families, as to ask for this one would have its module loaded.
        var families = _socket.Dump(Control, [GetFamily, 1, 0, 0], Control, body => new Family(
            NetlinkAttributes.ToText(NetlinkAttributes.Find(body[MessageLength..], FamilyName)),
            MemoryMarshal.Read<ushort>(NetlinkAttributes.Find(body[MessageLength..], FamilyId))));
        _family = families.FirstOrDefault(family => family.Name == "IPVS")?.Id ?? 0;
    }

    /// <summary>All but those that go by marks of packets.</summary>
    public IReadOnlyList<VirtualServer> ReadServers() =>
        _family == 0 ? [] : _socket.Dump(_family, [GetService, 1, 0, 0], _family, ToServer);

    /// <summary>How many connections its backends have: of TCP those that are open.</summary>
    public long CountConnections(VirtualServer server)
    {
        var counts = _socket.Dump(_family, [GetDestination, 1, 0, 0, .. server.Name], _family, body =>
        {
            var destination = NetlinkAttributes.Find(body[MessageLength..], Destination);
            uint active = NetlinkAttributes.ToUInt32(NetlinkAttributes.Find(destination, ActiveConnections), 0);
            uint inactive = NetlinkAttributes.ToUInt32(NetlinkAttributes.Find(destination, InactiveConnections), 0);
            return new Count(server.Protocol == Protocol.Tcp ? active : active + inactive);
        });
        return counts.Sum(count => count.Connections);
    }

    /// <summary>Deletes a server with its backends; what is gone already is no error.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public void Delete(VirtualServer server)
    {
        int error = _socket.Do(_family, [DeleteService, 1, 0, 0, .. server.Name]);
        if (error is not (0 or NoSuchServer))
        {
            throw new NetlinkException(error);
        }
    }

    public void Dispose() => _socket.Dispose();

    private static VirtualServer? ToServer(ReadOnlySpan<byte> body)
    {
        var service = NetlinkAttributes.Find(body[MessageLength..], Service);
        var family = NetlinkAttributes.Find(service, ServiceFamily);
        var protocol = NetlinkAttributes.Find(service, ServiceProtocol);
        var address = NetlinkAttributes.Find(service, ServiceAddress);
        var port = NetlinkAttributes.Find(service, ServicePort);
        if (!NetlinkAttributes.Find(service, ServiceMark).IsEmpty || family.Length < 2 || protocol.Length < 2 || address.Length < 16 || port.Length < 2)
        {
            return null;
        }

        bool isIPv6 = MemoryMarshal.Read<ushort>(family) == IPv6;
        return new VirtualServer(
            (Protocol)MemoryMarshal.Read<ushort>(protocol),
            NetlinkAttributes.ToAddress(isIPv6 ? address : address[..4])!.Value,
            BinaryPrimitives.ReadUInt16BigEndian(port))
        {
            Name = NetlinkAttributes.Make(
                Service | Nested,
                [
                    .. NetlinkAttributes.Make(ServiceFamily, family),
                    .. NetlinkAttributes.Make(ServiceProtocol, protocol),
                    .. NetlinkAttributes.Make(ServiceAddress, address),
                    .. NetlinkAttributes.Make(ServicePort, port),
                ]),
        };
    }

    private sealed record Family(string Name, ushort Id);

    private sealed record Count(long Connections);
}
