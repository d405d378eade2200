namespace EbpfProxy.Datapath.Conntrack;

/// <summary>The types of messages and attributes of linux/netfilter/nfnetlink_conntrack.h.</summary>
internal static class ConntrackAttribute
{
    // Messages. The upper byte is NFNL_SUBSYS_CTNETLINK.
    public const ushort NewEntry = 0x0100;
    public const ushort GetEntry = 0x0101;
    public const ushort DeleteEntry = 0x0102;

    /// <summary>struct nfgenmsg: family, version, resource.</summary>
    public const int MessageLength = 4;

    // CTA_*.
    public const ushort TupleOriginal = 1;
    public const ushort TupleReply = 2;
    public const ushort Status = 3;
    public const ushort ProtocolInfo = 4;
    public const ushort Id = 12;
    public const ushort Zone = 18;

    /// <summary>CTA_FILTER (5.8): which parts of the tuple count.</summary>
    public const ushort Filter = 25;
    public const ushort FilterOriginal = 1;

    // CTA_TUPLE_*, CTA_IP_* and CTA_PROTO_*, each within the one before.
    public const ushort TupleIp = 1;
    public const ushort TupleProtocol = 2;
    public const ushort TupleZone = 3;
    public const ushort SourceIPv4 = 1;
    public const ushort DestinationIPv4 = 2;
    public const ushort SourceIPv6 = 3;
    public const ushort DestinationIPv6 = 4;
    public const ushort ProtocolNumber = 1;
    public const ushort SourcePort = 2;
    public const ushort DestinationPort = 3;

    // CTA_PROTOINFO_*, each within the one before, and TCP_CONNTRACK_*.
    public const ushort TcpInfo = 1;
    public const ushort TcpState = 1;
    public const byte TcpTimeWait = 7;
    public const byte TcpClosed = 8;
}
