using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EbpfProxy.Testing.Packets;

/// <summary>Reads the headers of one frame from the outside in, and writes down what they say.</summary>
/// <param name="bytes">The frame.</param>
/// <param name="isQuote">Whether it stands in an ICMP error: its end may be missing.</param>
internal sealed class FrameReader(byte[] bytes, bool isQuote = false)
{
    private readonly StringBuilder _words = new();
    private readonly List<string> _faults = [];
    private IPAddress _source = IPAddress.None;
    private IPAddress _destination = IPAddress.None;
    private bool _hasMore;
    private int _fragmentOffset;

    public string Text { get; private set; } = "";

    public IReadOnlyList<string> Faults => _faults;

    public IPEndPoint From { get; private set; } = new(IPAddress.Any, 0);

    public IPEndPoint To { get; private set; } = new(IPAddress.Any, 0);

    public void ReadEthernet()
    {
        if (bytes.Length < 14)
        {
            Cut("ethernet", 0);
            return;
        }

        int at = 12;
        ushort type = Word(at);
        if (type == 0x8100 && bytes.Length >= 18)
        {
            Say($"vlan {Word(at + 2) & 0xfff}");
            at += 4;
            type = Word(at);
        }

        at += 2;
        if ((type, at < bytes.Length ? bytes[at] >> 4 : 0) is (0x0800, 4) or (0x86dd, 6))
        {
            ReadIP(at);
        }
        else
        {
            Text = string.Create(CultureInfo.InvariantCulture, $"ether type {type:x4}, {bytes.Length} bytes");
        }
    }

    public void ReadIP(int at = 0)
    {
        switch (at < bytes.Length ? bytes[at] >> 4 : 0)
        {
            case 4:
                ReadV4(at);
                break;
            case 6:
                ReadV6(at);
                break;
            default:
                Cut("ip", at);
                break;
        }
    }

    private void ReadV4(int at)
    {
        int headerLength = (bytes[at] & 15) * 4;
        if (headerLength < 20 || bytes.Length < at + headerLength)
        {
            Cut("ip header", at);
            return;
        }

        _source = new IPAddress(bytes.AsSpan(at + 12, 4));
        _destination = new IPAddress(bytes.AsSpan(at + 16, 4));
        SayIf(bytes[at + 1] != 0, $"tos {bytes[at + 1]}");
        SayIf(headerLength > 20, $"options {headerLength - 20}");
        SayIf(Word(at + 4) != 0, $"id {Word(at + 4)}");
        SayIf((Word(at + 6) & 0x4000) != 0, $"DF");
        _hasMore = (Word(at + 6) & 0x2000) != 0;
        _fragmentOffset = (Word(at + 6) & 0x1fff) * 8;
        SayIf(_hasMore || _fragmentOffset > 0, $"fragment {_fragmentOffset}{(_hasMore ? "+" : "")}");
        Check(InternetChecksum.Of(bytes[at..(at + headerLength)]) == 0, "bad IP checksum");
        ReadTransport(at + headerLength, End(at + Word(at + 2)), bytes[at + 9], bytes[at + 8]);
    }

    private void ReadV6(int at)
    {
        if (bytes.Length < at + 40)
        {
            Cut("ip header", at);
            return;
        }

        _source = new IPAddress(bytes.AsSpan(at + 8, 16));
        _destination = new IPAddress(bytes.AsSpan(at + 24, 16));
        int trafficClass = (Word(at) >> 4) & 0xff;
        SayIf(trafficClass != 0, $"class {trafficClass}");
        uint flow = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at)) & 0xfffff;
        SayIf(flow != 0, $"flow {flow:x5}");
        int end = End(at + 40 + Word(at + 4));
        int next = at + 40;
        byte protocol = bytes[at + 6];
        while (protocol is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.Fragment or IpProtocol.DestinationOptions
            && next + 8 <= end)
        {
            int length = protocol == IpProtocol.Fragment ? 8 : (bytes[next + 1] + 1) * 8;
            if (protocol == IpProtocol.Fragment)
            {
                _hasMore = (Word(next + 2) & 1) != 0;
                _fragmentOffset = Word(next + 2) & 0xfff8;
                Say($"fragment {_fragmentOffset}{(_hasMore ? "+" : "")} id {BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(next + 4))}");
            }
            else
            {
                Say($"header {protocol} of {length}");
            }

            protocol = bytes[next];
            next += length;
        }

        ReadTransport(next, end, protocol, bytes[at + 7]);
    }

    /// <summary>Where the packet ends, by its own word; what is missing is a fault, except of a quote.</summary>
    private int End(int said)
    {
        Check(said <= bytes.Length || isQuote, $"says {said} bytes, has {bytes.Length}");
        Check(said >= bytes.Length, $"{bytes.Length - said} bytes behind its end");
        return Math.Min(said, bytes.Length);
    }

    private void ReadTransport(int at, int end, byte protocol, byte hopLimit)
    {
        byte[] content = at <= end ? bytes[at..end] : [];
        var transport = TransportText.Of(protocol, content, _fragmentOffset > 0, _hasMore || isQuote);
        From = new IPEndPoint(_source, transport.SourcePort ?? 0);
        To = new IPEndPoint(_destination, transport.DestinationPort ?? 0);
        string from = Join(_source, transport.SourcePort);
        string to = Join(_destination, transport.DestinationPort);
        Text = string.Create(CultureInfo.InvariantCulture, $"{from} > {to} {transport.Words} ttl {hopLimit}{_words}{transport.Quote}");
        _faults.AddRange(transport.Faults);
        if (!_hasMore && _fragmentOffset == 0 && !isQuote && transport.Faults.Count == 0)
        {
            Check(TransportText.IsChecksumRight(protocol, content, _source, _destination), $"bad checksum");
        }
    }

    private static string Join(IPAddress address, ushort? port) =>
        port is { } number ? new IPEndPoint(address, number).ToString()
        : address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    private void Cut(string what, int at)
    {
        Text = string.Create(CultureInfo.InvariantCulture, $"{bytes.Length - at} bytes");
        _faults.Add($"no whole {what}");
    }

    private ushort Word(int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at));

    private void Say(FormattableString words) => _words.Append(' ').Append(words.ToString(CultureInfo.InvariantCulture));

    private void SayIf(bool condition, FormattableString words)
    {
        if (condition)
        {
            Say(words);
        }
    }

    private void Check(bool condition, string fault)
    {
        if (!condition)
        {
            _faults.Add(fault);
        }
    }
}
