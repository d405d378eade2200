using System.Text.Json.Nodes;
using EbpfProxy.Controller.Manifests;
using EbpfProxy.Options;

namespace EbpfProxy.Tests.Options;

public sealed class YamlTextTests
{
    [Fact]
    public void Fields_are_in_the_order_of_their_names_and_lists_at_the_indent_of_theirs()
    {
        var root = JsonNode.Parse("""{"b":{"yy":[{"q":1,"p":[2]},"z"],"x":null},"a":[],"c":{}}""")!.AsObject();

        Assert.Equal(
            """
            a: []
            b:
              x: null
              yy:
              - p:
                - 2
                q: 1
              - z
            c: {}

            """.ReplaceLineEndings("\n"),
            YamlText.Of(root));
    }

    [Theory]
    [InlineData("")]
    [InlineData("true")]
    [InlineData("No")]
    [InlineData("null")]
    [InlineData("0x10")]
    [InlineData("1e3")]
    [InlineData("10s")]
    [InlineData("010")]
    [InlineData("a: b")]
    [InlineData("# no")]
    [InlineData("- x")]
    [InlineData("::")]
    [InlineData("[::]:10256")]
    [InlineData("10.0.0.0/8,fd00::/64")]
    [InlineData("quote \" and \\ and\nline")]
    [InlineData("größe+1")]
    [InlineData("*a")]
    public void Text_reads_as_the_same_text(string text)
    {
        var root = new JsonObject { ["field"] = text };

        var (json, _) = Assert.Single(YamlJson.ReadLenient(YamlText.Of(root)));

        Assert.Equal(text, JsonNode.Parse(json)!["field"]!.GetValue<string>());
    }

    /// <summary>Of YAML 1.1, which many readers go by, `on` and `no` are booleans.</summary>
    [Fact]
    public void What_older_readers_take_for_a_boolean_is_quoted_as_a_name_too() => Assert.Equal(
        "\"n\": \"off\"\n\"on\": true\n",
        YamlText.Of(JsonNode.Parse("""{"on":true,"n":"off"}""")!));

    [Fact]
    public void Signs_stand_as_they_are_in_quoted_text() =>
        Assert.Equal("version: \"0.1.0+ä<b>\"\n", YamlText.Of(new JsonObject { ["version"] = "0.1.0+ä<b>" }));
}
