using System.Text;
using EbpfProxy.Controller.Manifests;

namespace EbpfProxy.Controller.Tests.Manifests;

public sealed class YamlJsonTests
{
    [Theory]
    [InlineData("a: 80", """{"a":80}""")]
    [InlineData("a: -80", """{"a":-80}""")]
    [InlineData("a: +80", """{"a":80}""")]
    [InlineData("a: 0x50", """{"a":80}""")]
    [InlineData("a: 0o17", """{"a":15}""")]
    [InlineData("a: 017", """{"a":15}""")]
    [InlineData("a: 9223372036854775807", """{"a":9223372036854775807}""")]
    [InlineData("a: \"80\"", """{"a":"80"}""")]
    [InlineData("a: '80'", """{"a":"80"}""")]
    [InlineData("a: !!str 80", """{"a":"80"}""")]
    [InlineData("a: !!int \"80\"", """{"a":80}""")]
    [InlineData("a: 1.5", """{"a":1.5}""")]
    [InlineData("a: 1e3", """{"a":1000}""")]
    [InlineData("a: 10.96.0.1", """{"a":"10.96.0.1"}""")]
    [InlineData("a: fd00::1", """{"a":"fd00::1"}""")]
    [InlineData("a: 10.0.0.0/8", """{"a":"10.0.0.0/8"}""")]
    [InlineData("a: e1", """{"a":"e1"}""")]
    [InlineData("a: 12a", """{"a":"12a"}""")]
    [InlineData("a: 0x", """{"a":"0x"}""")]
    [InlineData("a: true", """{"a":true}""")]
    [InlineData("a: False", """{"a":false}""")]
    [InlineData("a: \"true\"", """{"a":"true"}""")]
    [InlineData("a: ~", """{"a":null}""")]
    [InlineData("a:", """{"a":null}""")]
    [InlineData("a: None", """{"a":"None"}""")]
    [InlineData("a: [1, x]", """{"a":[1,"x"]}""")]
    [InlineData("a: |\n  two\n  lines", """{"a":"two\nlines"}""")]
    [InlineData("a: &x {b: 1}\nc: *x", """{"a":{"b":1},"c":{"b":1}}""")]
    [InlineData("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", """{"a":{"b":1,"c":2},"d":{"c":3,"b":1}}""")]
    [InlineData("{\"a\": {\"b\": [1, 2.5, null, \"x\"]}}", """{"a":{"b":[1,2.5,null,"x"]}}""")]
    public void Yaml_is_read_as_the_tools_of_kubernetes_read_it(string yaml, string json)
    {
        Assert.Equal(json, Assert.Single(Documents(yaml)));
    }

    [Fact]
    public void Documents_are_apart_and_empty_ones_left_out()
    {
        string[] documents = Documents("# only a comment\n---\na: 1\n---\n---\nb: 2\n...\n");

        Assert.Equal(["""{"a":1}""", """{"b":2}"""], documents);
    }

    [Theory]
    [InlineData("a: 1\nb: [", 3)]
    [InlineData("a: 1\nbindAddress: ::\n  x: y", 2)]
    [InlineData("a: 1\na: 2", 2)]
    [InlineData("a: *x", 1)]
    [InlineData("ok: 1\n? [a, b]\n: 2", 2)]
    public void What_is_not_yaml_is_refused_with_its_line(string yaml, long line)
    {
        var fault = Assert.Throws<YamlFormatException>(() => Documents(yaml));

        Assert.Equal(line, fault.Line);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void What_is_nested_deeper_than_the_stack_is_refused(string opening)
    {
        string yaml = string.Concat(Enumerable.Repeat(opening, 100_000));

        var fault = Assert.Throws<YamlFormatException>(() => Documents(yaml));

        Assert.Contains("is nested more than 64 deep", fault.Reason, StringComparison.Ordinal);
    }

    /// <summary>By an alias it may be deeper than it is written.</summary>
    [Theory]
    [InlineData(62, true)]
    [InlineData(63, false)]
    [InlineData(64, false)]
    public void What_is_taken_is_no_deeper_than_readers_of_json_go(int depth, bool isTaken)
    {
        string inner = $"{new string('[', 32)}{new string(']', 32)}";
        string yaml = $"a: &a {inner}\nb: {new string('[', depth - 31)}*a{new string(']', depth - 31)}";

        if (isTaken)
        {
            using var document = System.Text.Json.JsonDocument.Parse(Assert.Single(Documents(yaml)));
        }
        else
        {
            Assert.Throws<YamlFormatException>(() => Documents(yaml));
        }
    }

    [Fact]
    public void Aliases_that_stand_for_more_than_any_object_holds_are_refused()
    {
        var yaml = new StringBuilder("a0: &a0 [xxxxxxxxxxxxxxxx]\n");
        for (int i = 1; i < 30; i++)
        {
            yaml.Append(System.Globalization.CultureInfo.InvariantCulture, $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n");
        }

        var fault = Assert.Throws<YamlFormatException>(() => Documents(yaml.ToString()));

        Assert.Contains("8 MiB", fault.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a: &a [*a]")]
    [InlineData("a: &a {<<: *a}")]
    public void Aliases_without_end_are_refused(string yaml)
    {
        Assert.Throws<YamlFormatException>(() => Documents(yaml));
    }

    private static string[] Documents(string yaml) => [.. YamlJson.ReadDocuments(yaml).Select(Encoding.UTF8.GetString)];
}
