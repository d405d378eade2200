using System.Text.Json;
using EbpfProxy.Controller.Objects;

namespace EbpfProxy.Controller.Kubernetes;

/// <summary>What a Status object of the API says.</summary>
internal sealed record StatusError(int Code, string Reason, string Message)
{
    /// <summary>Reads a Status; null where it is none.</summary>
    public static StatusError? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            return reader.Read() && reader.TokenType == JsonTokenType.StartObject ? Read(ref reader) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads the Status at whose start the reader stands.</summary>
    public static StatusError Read(ref Utf8JsonReader reader)
    {
        int code = 0;
        string reason = "";
        string message = "";
        while (reader.NextProperty())
        {
            if (reader.ValueTextEquals("code"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out code))
                {
                    reader.Skip();
                }
            }
            else if (reader.ValueTextEquals("reason"u8))
            {
                reason = reader.NextString() ?? "";
            }
            else if (reader.ValueTextEquals("message"u8))
            {
                message = reader.NextString() ?? "";
            }
            else
            {
                reader.Skip();
            }
        }

        return new StatusError(code, reason, message);
    }
}
