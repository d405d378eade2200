using System.Text;
using EbpfProxy.Controller.Manifests;

namespace EbpfProxy.Controller.Tests.Manifests;

public sealed class YamlTreeTests
{
    [Theory]
    [InlineData("a: 1", "{\"a\":1}", "")]
    [InlineData("a: 1\na: 2", "{\"a\":2}", "a")]
    [InlineData("a: {b: 1, c: 2, b: 3}", "{\"a\":{\"c\":2,\"b\":3}}", "a.b")]
    [InlineData("a: [{b: 1, b: 2}]", "{\"a\":[{\"b\":2}]}", "a[0].b")]
    [InlineData("a: &x {b: '1'}\nc: *x\nd: {<<: *x, e: 2}", "{\"a\":{\"b\":\"1\"},\"c\":{\"b\":\"1\"},\"d\":{\"e\":2,\"b\":\"1\"}}", "")]
    [InlineData("{\"a\": \"t\", \"a\": null}", "{\"a\":null}", "a")]
    public void Of_a_key_that_is_there_twice_the_last_counts_and_the_path_is_told(string yaml, string json, string duplicates)
    {
        var (actual, paths) = Assert.Single(YamlJson.ReadLenient(yaml));

        Assert.Equal(json, Encoding.UTF8.GetString(actual));
        Assert.Equal(duplicates, string.Join(' ', paths));
    }

    [Fact]
    public void Documents_are_told_apart_and_empty_ones_left_out()
    {
        var documents = YamlJson.ReadLenient("a: 1\na: 2\n---\n---\nb: 3\n");

        Assert.Equal([1, 0], documents.Select(document => document.Duplicates.Count));
    }

    [Theory]
    [InlineData("a: *x", "x")]
    [InlineData("a: &x [*x]", "x")]
    [InlineData("a: [1", "")]
    public void What_is_no_yaml_is_refused(string yaml, string word)
    {
        var fault = Assert.Throws<YamlFormatException>(() => YamlJson.ReadLenient(yaml));

        Assert.Contains(word, fault.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_has_a_limit()
    {
        Assert.Throws<YamlFormatException>(() => YamlJson.ReadLenient(new string('[', 10_000) + new string(']', 10_000)));
    }

    [Theory]
    [InlineData("a: 1\nb: 2\nc:\n\td: 3\n")]
    [InlineData("a: 1\nb: 2\nc:\n\t- d\n")]
    [InlineData("a: 1\nb: 2\nc: 3\n\td: 4\n")]
    [InlineData("a: 1\nb:\n  c: 2\n\td: 3\n")]
    [InlineData("a: 1\nb:\n  c: 2\n  \td: 3\n")]
    public void A_tab_is_told_with_its_line(string text)
    {
        var fault = Assert.Throws<YamlFormatException>(() => YamlJson.ReadLenient(text));

        Assert.Equal(4, fault.Line);
    }
}
