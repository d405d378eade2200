using System.Text.Json;

namespace EbpfProxy.Controller.Objects;

/// <summary>Steps of a <see cref="Utf8JsonReader"/> through an object that is known to be complete.</summary>
internal static class JsonReading
{
    /// <summary>Goes to the name of the next property; false at the object's end.</summary>
    public static bool NextProperty(this ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>Goes to the next element of an array; false at its end.</summary>
    public static bool NextElement(this ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType != JsonTokenType.EndArray;

    /// <summary>Goes to the property's value: the string, or null where it is none.</summary>
    public static string? NextString(this ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.GetString();
        }

        reader.Skip();
        return null;
    }

    /// <inheritdoc cref="NextString(ref Utf8JsonReader)"/>
    public static string? NextString(this ref Utf8JsonReader reader, StringPool strings)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return strings.Get(ref reader);
        }

        reader.Skip();
        return null;
    }
}
