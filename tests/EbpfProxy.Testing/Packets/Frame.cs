using System.Globalization;
using System.Net;
using System.Text;

namespace EbpfProxy.Testing.Packets;

/// <summary>
/// Bytes read as a packet, for people and for assertions: <c>10.0.0.2:3333 > 10.96.0.1:80 tcp S ttl 64</c>. What does not add up
/// (lengths, checksums) stands in <see cref="Faults"/> and at the end of the text.
/// </summary>
public sealed class Frame
{
    private readonly string _text;

    private Frame(FrameReader reader, byte[] bytes)
    {
        _text = reader.Text;
        From = reader.From;
        To = reader.To;
        Faults = reader.Faults;
        Bytes = bytes;
    }

    /// <summary>Who sent it; the port is 0 where there is none.</summary>
    public IPEndPoint From { get; }

    /// <summary>Who shall get it.</summary>
    public IPEndPoint To { get; }

    /// <summary>What is wrong with it; empty for a packet that a receiver would accept.</summary>
    public IReadOnlyList<string> Faults { get; }

    public byte[] Bytes { get; }

    /// <summary>Reads from the IP header on.</summary>
    public static Frame FromBytes(byte[] bytes)
    {
        var reader = new FrameReader(bytes);
        reader.ReadIP();
        return new Frame(reader, bytes);
    }

    /// <summary>Reads from the Ethernet header on.</summary>
    public static Frame FromEthernet(byte[] bytes)
    {
        var reader = new FrameReader(bytes);
        reader.ReadEthernet();
        return new Frame(reader, bytes);
    }

    /// <summary>How the bytes differ from those that were expected, for people; null where they do not.</summary>
    public static string? Difference(Frame expected, Frame actual)
    {
        if (expected.Bytes.AsSpan().SequenceEqual(actual.Bytes))
        {
            return null;
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"expected {expected}\n but was {actual}\n");
        int shorter = Math.Min(expected.Bytes.Length, actual.Bytes.Length);
        if (expected.Bytes.Length != actual.Bytes.Length)
        {
            text.Append(CultureInfo.InvariantCulture, $"expected {expected.Bytes.Length} bytes, but there were {actual.Bytes.Length}\n");
        }

        for (int i = 0; i < shorter; i += 16)
        {
            var before = expected.Bytes.AsSpan(i, Math.Min(16, shorter - i));
            var after = actual.Bytes.AsSpan(i, Math.Min(16, shorter - i));
            if (!before.SequenceEqual(after))
            {
                text.Append(CultureInfo.InvariantCulture, $"  {i:x4}  - {Hex(before, after)}\n        + {Hex(after, before)}\n");
            }
        }

        return text.ToString();
    }

    public override string ToString() => Faults.Count == 0 ? _text : $"{_text} [{string.Join("; ", Faults)}]";

    private static string Hex(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> others)
    {
        var text = new StringBuilder();
        for (int i = 0; i < bytes.Length; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(bytes[i] == others[i] ? ' ' : '*')}{bytes[i]:x2}");
        }

        return text.ToString();
    }
}
