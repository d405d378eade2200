namespace EbpfProxy.Model.Network;

/// <summary>A transport protocol that a Service port may have, by its IANA protocol number.</summary>
public enum Protocol : byte
{
    Tcp = 6,
    Udp = 17,
    Sctp = 132,
}

/// <summary>The names that Kubernetes gives the protocols: TCP, UDP, SCTP, in capitals.</summary>
public static class ProtocolNames
{
    public static bool TryParse(ReadOnlySpan<char> text, out Protocol protocol)
    {
        protocol = text switch
        {
            "TCP" => Protocol.Tcp,
            "UDP" => Protocol.Udp,
            "SCTP" => Protocol.Sctp,
            _ => default,
        };
        return protocol != default;
    }

    public static bool TryParse(ReadOnlySpan<byte> utf8, out Protocol protocol)
    {
        protocol = utf8.SequenceEqual("TCP"u8) ? Protocol.Tcp
            : utf8.SequenceEqual("UDP"u8) ? Protocol.Udp
            : utf8.SequenceEqual("SCTP"u8) ? Protocol.Sctp
            : default;
        return protocol != default;
    }

    public static string Of(Protocol protocol) => protocol switch
    {
        Protocol.Tcp => "TCP",
        Protocol.Udp => "UDP",
        Protocol.Sctp => "SCTP",
    };
}
