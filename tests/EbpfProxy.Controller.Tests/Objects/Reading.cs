using System.Text;
using System.Text.Json;
using EbpfProxy.Controller.Objects;
using EbpfProxy.Model.Network;

namespace EbpfProxy.Controller.Tests.Objects;

/// <summary>Runs a reader over JSON in which single quotes stand for double ones.</summary>
internal static class Reading
{
    public static Address Ip(string text) => Address.From(System.Net.IPAddress.Parse(text));

    public static T? Read<T>(ObjectReader<T> reader, string json)
        where T : class
    {
        var utf8 = new Utf8JsonReader(Encoding.UTF8.GetBytes(json.Replace('\'', '"')));
        utf8.Read();
        var item = reader.Read(ref utf8);
        Assert.Equal(JsonTokenType.EndObject, utf8.TokenType);
        Assert.Equal(0, utf8.CurrentDepth);
        return item;
    }
}
