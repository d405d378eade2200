using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EbpfProxy.Testing.Packets;

/// <summary>What stands behind an IP header, in words.</summary>
/// <param name="Words">The protocol and what its header says.</param>
/// <param name="SourcePort">The source port where it is known.</param>
/// <param name="DestinationPort">The destination port where it is known.</param>
/// <param name="Quote">The packet that an ICMP error quotes.</param>
/// <param name="Faults">What does not add up.</param>
internal sealed record TransportText(
    string Words, ushort? SourcePort, ushort? DestinationPort, string Quote, IReadOnlyList<string> Faults)
{
    /// <param name="protocol">The protocol.</param>
    /// <param name="content">What is behind the IP header.</param>
    /// <param name="isLaterFragment">Whether there is no transport header in it.</param>
    /// <param name="isPart">Whether its end may be missing.</param>
    public static TransportText Of(byte protocol, byte[] content, bool isLaterFragment, bool isPart)
    {
        string name = protocol switch
        {
            IpProtocol.Tcp => "tcp",
            IpProtocol.Udp => "udp",
            IpProtocol.Sctp => "sctp",
            IpProtocol.Icmp => "icmp",
            IpProtocol.IcmpV6 => "icmp6",
            _ => string.Create(CultureInfo.InvariantCulture, $"protocol {protocol}"),
        };
        if (isLaterFragment || name.StartsWith("protocol", StringComparison.Ordinal))
        {
            return new TransportText(Spoken($"{name}{Length(content.Length)}"), null, null, "", []);
        }

        if (protocol is IpProtocol.Icmp or IpProtocol.IcmpV6)
        {
            return OfIcmp(name, content);
        }

        if (content.Length < 4)
        {
            return Cut(name, content);
        }

        var (words, fault) = protocol switch
        {
            IpProtocol.Tcp => WordsOfTcp(content),
            IpProtocol.Udp => (Length(content.Length - 8), content.Length < 8 ? "no whole header"
                : isPart || Word(content, 4) == content.Length ? null : $"UDP says {Word(content, 4)} bytes"),
            _ => (Length(content.Length - 12), content.Length < 12 ? "no whole header" : null),
        };
        return new TransportText($"{name}{words}", Word(content, 0), Word(content, 2), "", fault is null ? [] : [fault]);
    }

    /// <summary>Whether the checksum is that of the content; also where UDP has none.</summary>
    public static bool IsChecksumRight(byte protocol, byte[] content, IPAddress source, IPAddress destination)
    {
        bool isV6 = source.AddressFamily == AddressFamily.InterNetworkV6;
        switch (protocol)
        {
            case IpProtocol.Sctp:
                byte[] blank = [.. content[..8], 0, 0, 0, 0, .. content[12..]];
                return InternetChecksum.Crc32C(blank) == BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(8));
            case IpProtocol.Icmp:
                return InternetChecksum.Of(content) == 0;
            case IpProtocol.Udp when Word(content, 6) == 0:
                return !isV6;
            case IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.IcmpV6:
                return InternetChecksum.Of(InternetChecksum.PseudoHeader(source, destination, protocol, content.Length), content) == 0;
            default:
                return true;
        }
    }

    private static (string Words, string? Fault) WordsOfTcp(byte[] content)
    {
        if (content.Length < 20)
        {
            return ("", "no whole header");
        }

        var flags = (TcpBits)content[13];
        var letters = new StringBuilder();
        foreach (var (flag, letter) in (ReadOnlySpan<(TcpBits, char)>)
            [(TcpBits.Syn, 'S'), (TcpBits.Fin, 'F'), (TcpBits.Rst, 'R'), (TcpBits.Psh, 'P'), (TcpBits.Ack, '.')])
        {
            letters.Append(flags.HasFlag(flag) ? letter : "");
        }

        int headerLength = (content[12] >> 4) * 4;
        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(content.AsSpan(4));
        uint acknowledgement = BinaryPrimitives.ReadUInt32BigEndian(content.AsSpan(8));
        string ack = flags.HasFlag(TcpBits.Ack) || acknowledgement != 0 ? Spoken($" ack {acknowledgement}") : "";
        return (
            Spoken($" {letters} seq {sequence}{ack}{Length(content.Length - headerLength)}"),
            headerLength < 20 || headerLength > content.Length ? $"TCP header of {headerLength} bytes" : null);
    }

    private static TransportText OfIcmp(string name, byte[] content)
    {
        if (content.Length < 8)
        {
            return Cut(name, content);
        }

        uint rest = BinaryPrimitives.ReadUInt32BigEndian(content.AsSpan(4));
        string? kind = (name, content[0]) switch
        {
            ("icmp", 8) or ("icmp6", 128) => "echo",
            ("icmp", 0) or ("icmp6", 129) => "echo reply",
            _ => null,
        };
        if (kind is not null)
        {
            return new TransportText(
                Spoken($"{name} {kind} id {rest >> 16} seq {rest & 0xffff}{Length(content.Length - 8)}"), null, null, "", []);
        }

        kind = (name, content[0]) switch
        {
            ("icmp", 3) or ("icmp6", 1) => Spoken($"unreachable {content[1]}"),
            ("icmp6", 2) => "too big",
            ("icmp", 11) or ("icmp6", 3) => "time exceeded",
            _ => null,
        };
        if (kind is null)
        {
            return new TransportText(Spoken($"{name} type {content[0]} code {content[1]}{Length(content.Length - 8)}"), null, null, "", []);
        }

        var quote = new FrameReader(content[8..], isQuote: true);
        quote.ReadIP();
        string faults = quote.Faults.Count == 0 ? "" : $" [{string.Join("; ", quote.Faults)}]";
        return new TransportText(
            Spoken($"{name} {kind}{(rest == 0 ? "" : Spoken($" mtu {rest}"))}"), null, null, $" {{ {quote.Text}{faults} }}", []);
    }

    private static TransportText Cut(string name, byte[] content) =>
        new(Spoken($"{name} of {content.Length} bytes"), null, null, "", ["no whole header"]);

    private static string Length(int payload) => payload > 0 ? Spoken($" length {payload}") : "";

    private static ushort Word(byte[] content, int at) => BinaryPrimitives.ReadUInt16BigEndian(content.AsSpan(at));

    private static string Spoken(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
