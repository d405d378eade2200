using System.Text;
using System.Text.Json;
using EbpfProxy.Controller.Manifests;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Objects;

/// <summary>
/// Reads objects of one kind straight from JSON. Fields that the proxy does not use are skipped; parts that make no
/// sense are reported and left out. Not thread-safe: it keeps strings and lists between objects.
/// </summary>
internal abstract class ObjectReader<T>(string kind, bool isNamespaced, IObjectFaults faults)
    where T : class
{
    private const int MaxTextLength = 80;

    /// <summary>
    /// Whether the defaults are applied that an API server applies before it stores an object: the namespace "default",
    /// and the empty name for a port without one. For objects that never were on a server.
    /// </summary>
    public bool AppliesServerDefaults { get; init; }

    /// <summary>A DNS label, as the names of Services, namespaces and ports are (RFC 1123).</summary>
    protected const int LongestLabel = 63;

    /// <summary>How long a name of this kind may be; a DNS subdomain unless it says otherwise.</summary>
    protected virtual int LongestName => 253;

    protected StringPool Strings { get; } = new();

    protected ObjectMetadata Metadata { get; private set; }

    /// <summary>
    /// Reads one object. The reader stands at its start and ends at its end, and has all of it (a final block).
    /// Null where the object as a whole is of no use, which was reported.
    /// </summary>
    public T? Read(ref Utf8JsonReader reader)
    {
        Metadata = ReadMetadata(reader);
        if (Metadata.Name.Length > LongestName || Metadata.Namespace.Length > LongestLabel)
        {
            Report(Metadata.Name.Length > LongestName ? "metadata.name" : "metadata.namespace", "is longer than the API allows");
            reader.Skip();
            return null;
        }

        if (Metadata.Name.Length == 0 || (isNamespaced && Metadata.Namespace.Length == 0))
        {
            Report(Metadata.Name.Length == 0 ? "metadata.name" : "metadata.namespace", "is missing");
            reader.Skip();
            return null;
        }

        return ReadFields(ref reader);
    }

    /// <summary>Reads only the metadata of the object whose start the reader is at.</summary>
    public ObjectMetadata ReadMetadata(Utf8JsonReader reader)
    {
        var metadata = ObjectMetadata.Read(reader, Strings);
        return AppliesServerDefaults && isNamespaced && metadata.Namespace.Length == 0
            ? metadata with { Namespace = "default" }
            : metadata;
    }

    protected abstract T? ReadFields(ref Utf8JsonReader reader);

    protected void Report(FieldPath field, string message) =>
        faults.Report(kind, Metadata.ObjectName, field.ToString(), message);

    /// <summary>Goes to the property's value and into it, if it is an object.</summary>
    protected bool EnterObject(ref Utf8JsonReader reader, FieldPath field)
    {
        reader.Read();
        return Expect(ref reader, JsonTokenType.StartObject, field, "an object");
    }

    /// <summary>Goes to the property's value and into it, if it is an array.</summary>
    protected bool EnterArray(ref Utf8JsonReader reader, FieldPath field)
    {
        reader.Read();
        return Expect(ref reader, JsonTokenType.StartArray, field, "a list");
    }

    /// <summary>Whether the value that the reader is at is of the type; if not, it is skipped, and reported unless null.</summary>
    protected bool Expect(ref Utf8JsonReader reader, JsonTokenType type, FieldPath field, string what)
    {
        if (reader.TokenType == type)
        {
            return true;
        }

        if (reader.TokenType != JsonTokenType.Null)
        {
            Report(field, $"{Text(ref reader)} is not {what}");
        }

        reader.Skip();
        return false;
    }

    /// <summary>Goes to the property's value: a string of the pool, or null.</summary>
    protected string? ReadString(ref Utf8JsonReader reader, FieldPath field)
    {
        reader.Read();
        return Expect(ref reader, JsonTokenType.String, field, "a string") ? Strings.Get(ref reader) : null;
    }

    /// <summary>Goes to the property's value: a boolean, or null.</summary>
    protected bool? ReadBoolean(ref Utf8JsonReader reader, FieldPath field)
    {
        reader.Read();
        if (reader.TokenType is JsonTokenType.True or JsonTokenType.False)
        {
            return reader.GetBoolean();
        }

        // What was on a server is JSON, which has no other words for it.
        if (AppliesServerDefaults && reader.TokenType == JsonTokenType.String && YamlSwitch.Read(reader.GetString()!) is { } isOn)
        {
            return isOn;
        }

        Expect(ref reader, JsonTokenType.True, field, "true or false");
        return null;
    }

    /// <summary>Goes to the property's value: a number in the range; null where it is missing or was reported.</summary>
    protected uint? ReadNumber(ref Utf8JsonReader reader, FieldPath field, uint min, uint max)
    {
        reader.Read();
        if (!Expect(ref reader, JsonTokenType.Number, field, "a number"))
        {
            return null;
        }

        if (reader.TryGetUInt32(out uint number) && number >= min && number <= max)
        {
            return number;
        }

        Report(field, $"{Text(ref reader)} is not between {min} and {max}");
        return null;
    }

    /// <summary>Goes to the property's value. A protocol that is missing is TCP; null where it was reported.</summary>
    protected Protocol? ReadProtocol(ref Utf8JsonReader reader, FieldPath field)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return Protocol.Tcp;
        }

        if (!Expect(ref reader, JsonTokenType.String, field, "a string"))
        {
            return null;
        }

        if (reader.ValueTextEquals("TCP"u8))
        {
            return Protocol.Tcp;
        }

        if (reader.ValueTextEquals("UDP"u8))
        {
            return Protocol.Udp;
        }

        if (reader.ValueTextEquals("SCTP"u8))
        {
            return Protocol.Sctp;
        }

        Report(field, $"{Text(ref reader)} is not TCP, UDP or SCTP");
        return null;
    }

    /// <summary>Reads the address that the reader is at. One that does not parse, or that nothing can have, is reported.</summary>
    protected bool TryReadAddress(ref Utf8JsonReader reader, FieldPath field, out Address address)
    {
        address = default;
        if (!Expect(ref reader, JsonTokenType.String, field, "a string"))
        {
            return false;
        }

        Span<byte> buffer = stackalloc byte[64];
        int length = Copy(ref reader, buffer);
        if (length < 0 || !Address.TryParse(buffer[..length], out address))
        {
            Report(field, $"{Text(ref reader)} is not an IP address");
            return false;
        }

        if (address == Address.Any || address == Address.FromIPv4(0))
        {
            Report(field, $"{Text(ref reader)} is no one's address");
            return false;
        }

        return true;
    }

    /// <summary>Reads the prefix that the reader is at; one that does not parse is reported.</summary>
    protected bool TryReadPrefix(ref Utf8JsonReader reader, FieldPath field, out Prefix prefix)
    {
        prefix = default;
        if (!Expect(ref reader, JsonTokenType.String, field, "a string"))
        {
            return false;
        }

        Span<byte> buffer = stackalloc byte[96];
        int length = Copy(ref reader, buffer);
        if (length >= 0 && Prefix.TryParse(((ReadOnlySpan<byte>)buffer[..length]).Trim(" \t\r\n"u8), out prefix))
        {
            return true;
        }

        Report(field, $"{Text(ref reader)} is not a CIDR prefix");
        return false;
    }

    /// <summary>The value that the reader is at, in a form that fits on a line of a log.</summary>
    protected static string Text(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String => $"\"{Printable(reader.GetString()!)}\"",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        JsonTokenType.Number => Printable(Encoding.UTF8.GetString(
            reader.HasValueSequence ? System.Buffers.BuffersExtensions.ToArray(reader.ValueSequence) : reader.ValueSpan)),
        _ => "null",
    };

    private static string Printable(string text)
    {
        string head = text.Length > MaxTextLength ? $"{text.AsSpan(0, MaxTextLength)}..." : text;
        return head.Any(char.IsControl) ? string.Concat(head.Select(c => char.IsControl(c) ? '?' : c)) : head;
    }

    /// <summary>Copies the string that the reader is at, unescaped; its length, or -1 where it does not fit.</summary>
    private static int Copy(ref Utf8JsonReader reader, scoped Span<byte> buffer)
    {
        long length = reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length;
        return length > buffer.Length ? -1 : reader.CopyString(buffer);
    }
}
