namespace EbpfProxy.Model.Network;

/// <summary>A transport protocol that a Service port may have, by its IANA protocol number.</summary>
public enum Protocol : byte
{
    Tcp = 6,
    Udp = 17,
    Sctp = 132,
}
