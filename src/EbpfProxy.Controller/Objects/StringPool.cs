using System.Text.Json;

namespace EbpfProxy.Controller.Objects;

/// <summary>
/// Keeps one string for each of the few values that a great many objects repeat (namespaces, zones, names of ports).
/// Not thread-safe: each reader has its own.
/// </summary>
internal sealed class StringPool
{
    private const int MaxLength = 256;
    private const int MaxStrings = 16384;

    private readonly HashSet<string> _strings = new(StringComparer.Ordinal);
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public StringPool() => _lookup = _strings.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The string that the reader is at.</summary>
    public string Get(ref Utf8JsonReader reader)
    {
        long length = reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length;
        if (length > MaxLength)
        {
            return reader.GetString()!;
        }

        Span<char> buffer = stackalloc char[MaxLength];
        var text = buffer[..reader.CopyString(buffer)];
        if (text.IsEmpty)
        {
            return "";
        }

        if (_lookup.TryGetValue(text, out string? known))
        {
            return known;
        }

        if (_strings.Count >= MaxStrings)
        {
            _strings.Clear();
        }

        string added = text.ToString();
        _strings.Add(added);
        return added;
    }
}
