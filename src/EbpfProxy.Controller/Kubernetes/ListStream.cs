using System.Text.Json;
using EbpfProxy.Controller.Objects;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>Takes one object of a list or watch: its JSON, whole.</summary>
internal delegate void ObjectHandler(ReadOnlySpan<byte> json);

/// <summary>
/// Reads the answer to a list request, object by object: what is kept in memory is the object being read, not the list.
/// </summary>
internal sealed class ListStream(ObjectHandler handleItem, Action handleOversized, int maxObject)
{
    private static readonly JsonReaderOptions _options = new() { MaxDepth = 256 };

    private JsonReaderState _state = new(_options);
    private Place _place;
    private bool _isSkipping;

    private enum Place
    {
        Start,
        Fields,
        Items,
        Skipped,
        End,
    }

    /// <summary>metadata.resourceVersion of the list.</summary>
    public string ResourceVersion { get; private set; } = "";

    /// <summary>metadata.continue of the list: what to ask the next page with; empty where there is none.</summary>
    public string Continue { get; private set; } = "";

    /// <summary>Reads to the end; a list that ends before its time is a <see cref="InvalidDataException"/>.</summary>
    public async Task ReadAsync(StreamBuffer buffer, CancellationToken token)
    {
        int wanted = 1;
        while (_place != Place.End)
        {
            await buffer.FillAsync(wanted, token);
            int before = buffer.Unread.Length;
            buffer.Consume(Read(buffer.Unread));
            int left = buffer.Unread.Length;
            if (_place == Place.End)
            {
                return;
            }

            if (buffer.HasEnded)
            {
                throw new InvalidDataException("the list was cut short");
            }

            if (buffer.IsFull && left == before)
            {
                BeginSkipping();
            }

            // Twice of what was not enough, so that a long object is not gone through again for every packet.
            wanted = Math.Max(1, left * 2);
        }
    }

    private void BeginSkipping()
    {
        if (_isSkipping || _place != Place.Items)
        {
            throw new InvalidDataException($"a value is longer than {maxObject} bytes");
        }

        _isSkipping = true;
    }

    private int Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false, _state);
        int consumed = 0;
        while (_place != Place.End && Step(ref reader, bytes))
        {
            _state = reader.CurrentState;
            consumed = (int)reader.BytesConsumed;
        }

        return consumed;
    }

    /// <summary>Takes one token or one value; false where more bytes are needed for it.</summary>
    private bool Step(ref Utf8JsonReader reader, ReadOnlySpan<byte> bytes)
    {
        if (!reader.Read())
        {
            return false;
        }

        switch (_place)
        {
            case Place.Start:
                _place = reader.TokenType == JsonTokenType.StartObject
                    ? Place.Fields
                    : throw new InvalidDataException("the answer is not a list");
                return true;
            case Place.Fields when reader.TokenType == JsonTokenType.EndObject:
                _place = Place.End;
                return true;
            case Place.Fields:
                return StepField(ref reader, bytes);
            case Place.Items when reader.TokenType == JsonTokenType.EndArray:
                _place = Place.Fields;
                return true;
            case Place.Items:
                return StepItem(ref reader, bytes);
            case Place.Skipped:
                return StepSkipped(ref reader);
            case Place.End:
            default:
                return false;
        }
    }

    private bool StepField(ref Utf8JsonReader reader, ReadOnlySpan<byte> bytes)
    {
        if (reader.ValueTextEquals("items"u8))
        {
            if (!reader.Read())
            {
                return false;
            }

            _place = reader.TokenType switch
            {
                JsonTokenType.StartArray => Place.Items,
                JsonTokenType.Null => Place.Fields,
                _ => throw new InvalidDataException("the list's items are not a list"),
            };
            return true;
        }

        if (!reader.ValueTextEquals("metadata"u8))
        {
            return reader.TrySkip();
        }

        if (!reader.Read())
        {
            return false;
        }

        int start = (int)reader.TokenStartIndex;
        if (!reader.TrySkip())
        {
            return false;
        }

        ReadMetadata(bytes[start..(int)reader.BytesConsumed]);
        return true;
    }

    private void ReadMetadata(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, _options);
        reader.Read();
        while (reader.TokenType != JsonTokenType.Null && reader.NextProperty())
        {
            if (reader.ValueTextEquals("resourceVersion"u8))
            {
                ResourceVersion = reader.NextString() ?? "";
            }
            else if (reader.ValueTextEquals("continue"u8))
            {
                Continue = reader.NextString() ?? "";
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private bool StepItem(ref Utf8JsonReader reader, ReadOnlySpan<byte> bytes)
    {
        if (_isSkipping)
        {
            _place = Place.Skipped;
            return true;
        }

        int start = (int)reader.TokenStartIndex;
        if (!reader.TrySkip())
        {
            return false;
        }

        handleItem(bytes[start..(int)reader.BytesConsumed]);
        return true;
    }

    private bool StepSkipped(ref Utf8JsonReader reader)
    {
        // Depth 2 is inside the array of items, which is inside the list.
        if (reader.CurrentDepth == 2)
        {
            _isSkipping = false;
            _place = Place.Items;
            handleOversized();
        }

        return true;
    }
}
