using System.Text;
using EbpfProxy.Controller.Kubernetes;

namespace EbpfProxy.Controller.Tests.Kubernetes;

public sealed class StreamTests
{
    private const string List =
        """{"kind":"ServiceList","metadata":{"resourceVersion":"7","continue":"abc"},"items":[{"a":"}]"}, {"b":[{"c":"\""}]},{}],"x":[1]}""";

    [Fact]
    public async Task A_list_is_read_object_by_object_however_it_arrives()
    {
        for (int piece = 1; piece <= List.Length; piece++)
        {
            var (items, list) = await ReadListAsync(new PiecewiseStream(Encoding.UTF8.GetBytes(List), piece));

            Assert.Equal(["{\"a\":\"}]\"}", "{\"b\":[{\"c\":\"\\\"\"}]}", "{}"], items);
            Assert.Equal(("7", "abc"), (list.ResourceVersion, list.Continue));
        }
    }

    [Fact]
    public async Task A_list_that_is_cut_at_any_byte_is_not_taken_for_complete()
    {
        byte[] whole = Encoding.UTF8.GetBytes(List);
        for (int length = 0; length < whole.Length; length++)
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => ReadListAsync(new PiecewiseStream(whole[..length], 1000)));
        }
    }

    [Fact]
    public async Task An_object_of_a_list_that_is_too_long_is_skipped_in_bounded_memory()
    {
        string huge = "{\"x\":[" + string.Join(',', Enumerable.Repeat("\"0123456789\"", 10_000)) + "]}";
        string json = "{\"items\":[{\"a\":1}," + huge + ",{\"b\":2}],\"metadata\":{\"resourceVersion\":\"9\"}}";
        int oversized = 0;
        var items = new List<string>();
        using var buffer = new StreamBuffer(new PiecewiseStream(Encoding.UTF8.GetBytes(json), 100), 64, 1024);
        var list = new ListStream(item => items.Add(Encoding.UTF8.GetString(item)), () => oversized++, 1024);

        await list.ReadAsync(buffer, TestContext.Current.CancellationToken);

        Assert.Equal(["{\"a\":1}", "{\"b\":2}"], items);
        Assert.Equal(1, oversized);
        Assert.Equal("9", list.ResourceVersion);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"items\":7}")]
    [InlineData("\"x\"")]
    public async Task What_is_no_list_is_not_taken_for_an_empty_one(string json)
    {
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadListAsync(new PiecewiseStream(Encoding.UTF8.GetBytes(json), 1000)));
    }

    [Fact]
    public async Task Lines_are_found_however_they_arrive_and_a_rest_without_an_end_is_none()
    {
        byte[] text = Encoding.UTF8.GetBytes("one\n\nthree is longer\nrest");
        for (int piece = 1; piece <= text.Length; piece++)
        {
            var lines = await ReadLinesAsync(new PiecewiseStream(text, piece), limit: 1000);

            Assert.Equal(["one", "", "three is longer"], lines);
        }
    }

    [Fact]
    public async Task A_line_that_is_too_long_is_passed_over_and_the_next_is_read()
    {
        byte[] text = Encoding.UTF8.GetBytes("one\n" + new string('x', 101) + "\n" + new string('y', 100) + "\n" + new string('z', 5000) + "\nlast\n");
        for (int piece = 1; piece < 500; piece += 7)
        {
            var lines = await ReadLinesAsync(new PiecewiseStream(text, piece), limit: 100);

            Assert.Equal(["one", "too long: x", new string('y', 100), "too long: z", "last"], lines);
        }
    }

    private static async Task<(List<string> Items, ListStream List)> ReadListAsync(Stream stream)
    {
        var items = new List<string>();
        using var buffer = new StreamBuffer(stream, 16, 1 << 20);
        var list = new ListStream(item => items.Add(Encoding.UTF8.GetString(item)), () => Assert.Fail("oversized"), 1 << 20);
        await list.ReadAsync(buffer, TestContext.Current.CancellationToken);
        return (items, list);
    }

    private static async Task<List<string>> ReadLinesAsync(Stream stream, int limit)
    {
        var found = new List<string>();
        using var buffer = new StreamBuffer(stream, 16, limit + 1);
        var lines = new LineStream(buffer, limit);
        while (await lines.NextAsync(TestContext.Current.CancellationToken))
        {
            string line = Encoding.UTF8.GetString(lines.Line);
            found.Add(lines.IsTooLong ? $"too long: {line[0]}" : line);
        }

        return found;
    }

    private sealed class PiecewiseStream(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer.Length > piece ? buffer[..piece] : buffer, cancellationToken);
    }
}
