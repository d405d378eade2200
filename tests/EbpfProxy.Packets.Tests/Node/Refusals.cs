using EbpfProxy.Testing.Packets;

namespace EbpfProxy.Packets.Tests.Node;

/// <summary>What the programs answer to packets that get no backend.</summary>
internal static class Refusals
{
    /// <summary>What of the refused packet is quoted behind its IP header, as RFC 792 asks for.</summary>
    private const int Quoted = 8;

    public static Packet Unreachable(Packet refused, string frontend, string client) =>
        Packet.PortUnreachable(frontend, client, refused).Quoting(refused.HeaderLength + Quoted).Back();
}
