using System.Text.Json;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Cluster;

namespace EbpfProxy.Controller.Kubernetes;

internal enum WatchEventType : byte
{
    Unknown,
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// <summary>One line of a watch, taken apart: what happened, and the JSON of the object.</summary>
internal readonly ref struct WatchEvent
{
    private static readonly JsonReaderOptions _options = new() { MaxDepth = 256 };

    private WatchEvent(WatchEventType type, ReadOnlySpan<byte> item)
    {
        Type = type;
        Object = item;
    }

    public WatchEventType Type { get; }

    /// <summary>Empty where the line has no object. What follows the object in the line may follow here, too.</summary>
    public ReadOnlySpan<byte> Object { get; }

    /// <summary>Takes a line apart; one that is no JSON is a <see cref="JsonException"/>.</summary>
    public static WatchEvent Parse(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line, _options);
        var type = WatchEventType.Unknown;
        ReadOnlySpan<byte> item = default;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return default;
        }

        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                type = ReadType(ref reader);
            }
            else if (reader.ValueTextEquals("object"u8))
            {
                reader.Read();
                bool isObject = reader.TokenType == JsonTokenType.StartObject;
                int start = (int)reader.TokenStartIndex;
                if (isObject && type != WatchEventType.Unknown)
                {
                    // As API servers write it. Whoever reads the object finds its end; a streamed list has a line for
                    // every object of the cluster, and to look for the end here is to read each of them once more.
                    return new WatchEvent(type, line[start..]);
                }

                reader.Skip();
                item = isObject ? line[start..(int)reader.BytesConsumed] : default;
            }
            else
            {
                reader.Skip();
            }
        }

        return new WatchEvent(type, item);
    }

    /// <summary>The name of the object in a line of which only the head is there; default where it does not reach that far.</summary>
    public static ObjectName NameIn(ReadOnlySpan<byte> head)
    {
        // Depth 3 is inside the metadata of the object of the event.
        const int InMetadata = 3;
        string name = "";
        string space = "";
        bool isMetadata = false;
        try
        {
            var reader = new Utf8JsonReader(head, isFinalBlock: false, new JsonReaderState(_options));
            while (reader.Read() && (name.Length == 0 || space.Length == 0))
            {
                if (reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                if (reader.CurrentDepth == InMetadata - 1)
                {
                    isMetadata = reader.ValueTextEquals("metadata"u8);
                }
                else if (reader.CurrentDepth == InMetadata && isMetadata)
                {
                    bool isName = reader.ValueTextEquals("name"u8);
                    bool isSpace = reader.ValueTextEquals("namespace"u8);
                    if ((isName || isSpace) && reader.Read() && reader.TokenType == JsonTokenType.String)
                    {
                        (name, space) = isName ? (reader.GetString()!, space) : (name, reader.GetString()!);
                    }
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // No name, then.
        }

        return new ObjectName(space, name);
    }

    private static WatchEventType ReadType(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            return WatchEventType.Unknown;
        }

        return reader.ValueTextEquals("ADDED"u8) ? WatchEventType.Added
            : reader.ValueTextEquals("MODIFIED"u8) ? WatchEventType.Modified
            : reader.ValueTextEquals("DELETED"u8) ? WatchEventType.Deleted
            : reader.ValueTextEquals("BOOKMARK"u8) ? WatchEventType.Bookmark
            : reader.ValueTextEquals("ERROR"u8) ? WatchEventType.Error
            : WatchEventType.Unknown;
    }
}
