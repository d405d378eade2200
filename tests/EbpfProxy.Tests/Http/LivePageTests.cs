using System.Net;
using System.Text;
using EbpfProxy.Http.Live;
using Microsoft.AspNetCore.Http;

namespace EbpfProxy.Tests.Http;

public sealed class LivePageTests
{
    private static readonly LiveData _data = new(
        1000, "n1", "1.2.3", "manifests", null, null, null, 2, 0, true, "no rule", 1, 3, [], new Dictionary<string, ulong> { ["translated"] = 7 }, 1,
        [new LiveService(0, "default/web TCP", ["10.96.0.10:80"], ["10.244.1.2:8080"], 7, 1, 100, 200, SocketBytes: true, 0)]);

    [Theory]
    [InlineData("127.0.0.1", false, 200)]
    [InlineData("::1", false, 200)]
    [InlineData("::ffff:127.0.0.1", false, 200)]
    [InlineData("192.0.2.1", false, 403)]
    [InlineData("192.0.2.1", true, 200)]
    public async Task It_is_shown_on_loopback_only_unless_it_is_opened(string at, bool isOpen, int status)
    {
        var (context, _) = await AskAsync("/", at, isOpen);

        Assert.Equal(status, context.Response.StatusCode);
    }

    [Theory]
    [InlineData("127.0.0.1:10249", false, 200)]
    [InlineData("[::1]:10249", false, 200)]
    [InlineData("localhost:8080", false, 200)]
    [InlineData("rebound.example.com:10249", false, 403)]
    [InlineData("node.example.com:10249", true, 200)]
    public async Task It_has_no_name_unless_it_is_opened(string host, bool isOpen, int status)
    {
        var (context, _) = await AskAsync("/page.json", "127.0.0.1", isOpen, host: host);

        Assert.Equal(status, context.Response.StatusCode);
    }

    [Fact]
    public async Task Page_allows_nothing_from_elsewhere_and_no_script_in_itself()
    {
        var (context, body) = await AskAsync("/", "127.0.0.1", isOpen: false);

        Assert.Equal("text/html; charset=utf-8", context.Response.ContentType);
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';", context.Response.Headers.ContentSecurityPolicy.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("://", body, StringComparison.Ordinal);
        Assert.DoesNotContain("onclick", body, StringComparison.Ordinal);
        Assert.DoesNotContain("style=", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/page.css", "text/css; charset=utf-8")]
    [InlineData("/page.js", "text/javascript; charset=utf-8")]
    public async Task What_the_page_names_is_there(string path, string type)
    {
        var (context, body) = await AskAsync(path, "127.0.0.1", isOpen: false);

        Assert.Equal((200, type), (context.Response.StatusCode, context.Response.ContentType));
        Assert.NotEmpty(body);
    }

    [Fact]
    public async Task Data_is_what_is_asked_for()
    {
        string? filter = null;
        var (context, body) = await AskAsync("/page.json?filter=web", "127.0.0.1", isOpen: false, asked =>
        {
            filter = asked;
            return _data;
        });

        Assert.Equal("web", filter);
        Assert.Equal("application/json", context.Response.ContentType);
        Assert.Contains("\"services\":[{\"id\":0,\"name\":\"default/web TCP\",\"frontends\":[\"10.96.0.10:80\"]", body, StringComparison.Ordinal);
        Assert.Contains("\"events\":{\"translated\":7}", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Maps_that_cannot_be_read_are_told()
    {
        var (context, body) = await AskAsync("/page.json", "127.0.0.1", isOpen: false, _ => throw new IOException("no tables"));

        Assert.Equal((503, "no tables"), (context.Response.StatusCode, body));
    }

    private static async Task<(HttpContext Context, string Body)> AskAsync(string target, string at, bool isOpen, Func<string, LiveData>? read = null, string host = "")
    {
        string[] parts = target.Split('?', 2);
        var context = new DefaultHttpContext();
        context.Connection.LocalIpAddress = IPAddress.Parse(at);
        context.Request.Path = parts[0];
        context.Request.Host = new HostString(host);
        context.Request.QueryString = new QueryString(parts.Length > 1 ? "?" + parts[1] : "");
        using var body = new MemoryStream();
        context.Response.Body = body;

        await new LivePage(read ?? (_ => _data), isOpen).HandleAsync(context);

        return (context, Encoding.UTF8.GetString(body.ToArray()));
    }
}
