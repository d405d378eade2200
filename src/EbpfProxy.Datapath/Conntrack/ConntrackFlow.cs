using System.Buffers.Binary;
using EbpfProxy.Datapath.Node;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Datapath.Conntrack;

/// <summary>A packet of one direction, as it is before the kernel changes it.</summary>
/// <param name="Protocol">IPPROTO_*.</param>
/// <param name="Source">Who sends it.</param>
/// <param name="SourcePort">From which port.</param>
/// <param name="Destination">To whom.</param>
/// <param name="DestinationPort">To which port.</param>
internal readonly record struct ConntrackTuple(byte Protocol, Address Source, ushort SourcePort, Address Destination, ushort DestinationPort);

/// <summary>What a message of the kernel's connection tracking says of an entry.</summary>
/// <param name="Original">The packets of who began.</param>
/// <param name="Reply">The packets of who answers.</param>
/// <param name="IsTranslated">Whether somebody else answers than who was asked (IPS_DST_NAT).</param>
/// <param name="IsOver">Whether it is a connection of TCP that is closed.</param>
/// <param name="IsOfZone">Whether it is in a zone, as some keep flows apart, and not where packets are looked up by default.</param>
internal readonly record struct ConntrackFlow(ConntrackTuple Original, ConntrackTuple Reply, bool IsTranslated, bool IsOver, bool IsOfZone)
{
    /// <summary>IPS_DST_NAT.</summary>
    public const uint DestinationChanged = 1 << 5;

    /// <summary>Reads it from the attributes of a message; null where it has no ports, or is not whole.</summary>
    public static ConntrackFlow? TryRead(ReadOnlySpan<byte> attributes)
    {
        var original = NetlinkAttributes.Find(attributes, ConntrackAttribute.TupleOriginal);
        var reply = NetlinkAttributes.Find(attributes, ConntrackAttribute.TupleReply);
        if (TryReadTuple(original) is not { } first || TryReadTuple(reply) is not { } second)
        {
            return null;
        }

        uint status = NetlinkAttributes.ToUInt32BigEndian(NetlinkAttributes.Find(attributes, ConntrackAttribute.Status), otherwise: 0);
        bool isOfZone = !NetlinkAttributes.Find(attributes, ConntrackAttribute.Zone).IsEmpty
            || !NetlinkAttributes.Find(original, ConntrackAttribute.TupleZone).IsEmpty
            || !NetlinkAttributes.Find(reply, ConntrackAttribute.TupleZone).IsEmpty;
        return new ConntrackFlow(first, second, (status & DestinationChanged) != 0, IsClosed(attributes), isOfZone);
    }

    private static bool IsClosed(ReadOnlySpan<byte> attributes)
    {
        var tcp = NetlinkAttributes.Find(NetlinkAttributes.Find(attributes, ConntrackAttribute.ProtocolInfo), ConntrackAttribute.TcpInfo);
        return NetlinkAttributes.Find(tcp, ConntrackAttribute.TcpState) is [ConntrackAttribute.TcpTimeWait or ConntrackAttribute.TcpClosed];
    }

    private static ConntrackTuple? TryReadTuple(ReadOnlySpan<byte> tuple)
    {
        var ip = NetlinkAttributes.Find(tuple, ConntrackAttribute.TupleIp);
        var protocol = NetlinkAttributes.Find(tuple, ConntrackAttribute.TupleProtocol);
        var number = NetlinkAttributes.Find(protocol, ConntrackAttribute.ProtocolNumber);
        var sourcePort = NetlinkAttributes.Find(protocol, ConntrackAttribute.SourcePort);
        var destinationPort = NetlinkAttributes.Find(protocol, ConntrackAttribute.DestinationPort);
        if (number.Length < 1 || sourcePort.Length < sizeof(ushort) || destinationPort.Length < sizeof(ushort)
            || ReadAddress(ip, ConntrackAttribute.SourceIPv4, ConntrackAttribute.SourceIPv6) is not { } source
            || ReadAddress(ip, ConntrackAttribute.DestinationIPv4, ConntrackAttribute.DestinationIPv6) is not { } destination)
        {
            return null;
        }

        return new ConntrackTuple(
            number[0],
            source,
            BinaryPrimitives.ReadUInt16BigEndian(sourcePort),
            destination,
            BinaryPrimitives.ReadUInt16BigEndian(destinationPort));
    }

    private static Address? ReadAddress(ReadOnlySpan<byte> ip, ushort ipv4, ushort ipv6)
    {
        var v4 = NetlinkAttributes.Find(ip, ipv4);
        return NetlinkAttributes.ToAddress(v4.IsEmpty ? NetlinkAttributes.Find(ip, ipv6) : v4);
    }
}
